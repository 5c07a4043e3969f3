// A person's way through the account page of a running controller, in a real
// browser: adds a second factor with what is read from the picture of its QR
// code, signs out, signs in with a code, and removes it again. The first
// password of `lormas dev` is changed on the way, if it has not been.
//
//   npm run journey http://127.0.0.1:7070
import { createHmac } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import decodeQR from "qr/decode.js";

const server = process.argv[2] ?? "http://127.0.0.1:7070";
const email = "admin@lormas.local";
const first = "admin123";
const password = process.env.LORMAS_PASSWORD ?? "a journey of one hour";
const out = new URL("../.screenshots/", import.meta.url).pathname;
mkdirSync(out, { recursive: true });

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The code of a secret, some steps of 30 seconds from now (RFC 6238). */
function codeOf(secret, steps) {
  const bits = [...secret].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const count = Buffer.alloc(8);
  count.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const hash = createHmac("sha1", key).update(count).digest();
  const number = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

const profile = join(tmpdir(), `lormas-journey-${process.pid}`);
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  viewport: { width: 1280, height: 800 },
  args: "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split(
    " ",
  ),
});
const page = await browser.newPage();
page.on("pageerror", (error) => console.log(`page: ${error}`));

const press = (name) => page.getByRole("button", { name, exact: true }).first().click();

async function signIn(word, code) {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(word);
  await page.keyboard.press("Enter");
  if (!code) return;
  await page.getByLabel("Code", { exact: true }).fill(code);
  await page.keyboard.press("Enter");
}

/** What a camera reads from the screen. */
async function scan() {
  const png = await page.getByRole("img", { name: /QR code/ }).screenshot();
  const { data, width, height } = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    const pixels = canvas.getImageData(0, 0, image.width, image.height);
    return { data: [...pixels.data], width: image.width, height: image.height };
  }, png.toString("base64"));
  return decodeQR({ data: Uint8Array.from(data), width, height });
}

async function shot(name) {
  for (const [view, width, height] of [
    ["desk", 1280, 800],
    ["phone", 360, 740],
  ]) {
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(300);
    await page.screenshot({ path: join(out, `journey-${name}-${view}.png`) });
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

await page.goto(`${server}/account`);
await signIn(first);
const again = page.getByLabel("New password again");
const refused = page.getByRole("alert");
await again.or(refused).first().waitFor();
if (await again.isVisible()) {
  await page.getByLabel("Current password").fill(first);
  await page.getByLabel("New password", { exact: true }).fill(password);
  await again.fill(password);
  await page.keyboard.press("Enter");
} else {
  await signIn(password);
}
await page.getByRole("heading", { name: "Account" }).waitFor();
await shot("account");

await press("Add a second factor");
await page.getByRole("dialog").getByLabel("Current password").fill(password);
await page.keyboard.press("Enter");
const uri = new URL(await scan());
console.log(`read from the screen: ${uri.protocol}${uri.pathname}`);
await shot("scan");
const secret = uri.searchParams.get("secret");
await page.getByLabel("Code", { exact: true }).fill(codeOf(secret, 0));
await page.keyboard.press("Enter");
const codes = page.getByRole("list", { name: "Your recovery codes" });
await codes.waitFor();
const recovery = await codes.getByRole("listitem").first().textContent();
await shot("codes");
await press("I have kept them");
await page.getByText(/10 are left/).waitFor();

await press("Sign out");
await signIn(password, codeOf(secret, 1));
await page.getByRole("heading", { name: "Account" }).waitFor();
console.log("signed in with a code");
await press("New token");
await press("Only reading");
await shot("token");
await press("Cancel");
await shot("on");

await press("Remove");
await page.getByRole("dialog").getByLabel("Current password").fill(password);
await page.getByRole("dialog").getByLabel("Code", { exact: true }).fill(recovery);
await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
await page.getByText(/Your password alone signs you in/).waitFor();
console.log(`removed with a recovery code; pictures in ${out}`);
await browser.close();
rmSync(profile, { recursive: true, force: true });
