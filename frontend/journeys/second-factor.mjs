// Somebody adds a second factor with what is read from the picture of its QR
// code, signs in with a code of it, and removes it with a recovery code.
import { createHmac } from "node:crypto";
import decodeQR from "qr/decode.js";
import { play } from "./stage.mjs";

const { EMAIL, PASSWORD } = process.env;
const fresh = "ninety brown ferries at dusk";
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

/** What a camera reads from the screen. */
async function scan(page) {
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

await play(async (stage) => {
  const { page } = stage;
  await stage.open("/account");
  await stage.signIn(EMAIL, PASSWORD);
  await stage.newPassword(PASSWORD, fresh);
  await stage.heading("Account");

  await stage.press("Add a second factor");
  await stage.type("Current password", fresh, stage.dialog);
  await page.keyboard.press("Enter");
  const secret = new URL(await scan(page)).searchParams.get("secret");
  await stage.look("scan");
  await stage.type("Code", codeOf(secret, 0));
  await page.keyboard.press("Enter");
  const codes = page.getByRole("list", { name: "Your recovery codes" });
  const recovery = await codes.getByRole("listitem").first().textContent();
  await stage.look("codes");
  await stage.press("I have kept them");
  await stage.sees(/10 are left/);

  await stage.press("Sign out");
  await stage.signIn(EMAIL, fresh, codeOf(secret, 1));
  await stage.heading("Account");
  await stage.look("on");
  await stage.press("Remove");
  await stage.type("Current password", fresh, stage.dialog);
  await stage.type("Code", recovery, stage.dialog);
  await stage.press("Remove", stage.dialog);
  await stage.sees(/Your password alone signs you in/);
});
