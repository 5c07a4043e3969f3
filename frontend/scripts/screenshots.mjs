// Pictures of every page against the mock, in both themes, on a desk and on a
// phone, into .screenshots/; axe looks at each. Not part of the tests.
//
//   npm run build:mock && npm run screenshots [name…]
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { preview } from "vite";

const out = new URL("../.screenshots/", import.meta.url).pathname;
const axe = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const uuid = (kind, n) =>
  `0192f0c1-${String(kind).padStart(4, "0")}-7000-8000-${String(n).padStart(12, "0")}`;

/** name, address, what to do before the picture */
const scenes = [
  ["sign-in", "/?mock=signed-out"],
  ["password", "/?mock=password"],
  ["nodes", "/nodes"],
  ["nodes-empty", "/nodes?mock=empty"],
  ["node-add", "/nodes?add=1", addNode],
  ["node", `/nodes/${uuid(1, 2)}`],
  ["node-drain", `/nodes/${uuid(1, 1)}`, drain],
  ["fleet-hold", "/nodes", hold],
  ["clusters", "/clusters"],
  ["containers", "/containers"],
  ["containers-bulk", "/containers", migrateSome],
  ["container-new", `/containers/new?egg=${uuid(3, 1)}`],
  ["container-more", `/containers/new?egg=${uuid(3, 1)}`, more],
  ["container-faults", `/containers/new?egg=${uuid(3, 1)}`, (page) => goOn(page, "Continue")],
  ["container-variables", `/containers/new?egg=${uuid(3, 1)}`, (page) => wizard(page, 1)],
  ["container-resources", `/containers/new?egg=${uuid(3, 1)}`, (page) => wizard(page, 2)],
  ["container-ports", `/containers/new?egg=${uuid(3, 1)}`, (page) => wizard(page, 3)],
  ["container-ha", `/containers/new?egg=${uuid(3, 1)}`, (page) => wizard(page, 4)],
  ["container-review", `/containers/new?egg=${uuid(3, 1)}`, (page) => wizard(page, 5)],
  ["container", `/containers/${uuid(2, 1)}`],
  ["container-queued", `/containers/${uuid(2, 4)}`],
  ["container-failed", `/containers/${uuid(2, 8)}`],
  ["container-migrate", `/containers/${uuid(2, 1)}`, migrate],
  ["eggs", "/eggs"],
  ["egg-categories", "/eggs/categories"],
  ["egg", `/eggs/${uuid(3, 1)}`],
  ["egg-import", "/eggs/import", importEggs],
  ["jobs", "/jobs"],
  ["audit", "/audit"],
  ["account", "/account"],
  ["account-factor", "/account", scanFactor],
  ["account-codes", "/account", enableFactor],
  ["account-token", "/account", newToken],
  ["not-found", "/nothing"],
];

async function addNode(page) {
  await page.getByLabel("Name").fill("van-13");
  await page.getByRole("button", { name: "Get the command" }).click();
  await page.getByText("van-13 has joined").waitFor({ timeout: 15_000 });
}

const goOn = (page, name) => page.getByRole("button", { name }).click();

async function more(page) {
  await page.getByText("More owner, group").click();
  await page.getByLabel("Owner").fill("keep");
  await page.getByRole("option").waitFor();
}

/** The wizard, so many steps on. */
async function wizard(page, steps) {
  await page.getByLabel("Name").fill("web-new");
  for (let i = 0; i < steps; i++) await goOn(page, "Continue");
  if (steps === 3) await goOn(page, "Add port");
  if (steps === 3) await page.getByText("More volumes").click();
  if (steps === 4) await page.getByLabel(/Move it to another node/).check();
}

async function drain(page) {
  await page.getByRole("button", { name: "Drain" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Drain" }).click();
  await page.getByText("It is being drained.").waitFor();
}

async function hold(page) {
  await page.getByRole("button", { name: "Hold failovers" }).click();
  await page.getByRole("dialog").getByLabel("Reason").fill("the network is being changed");
  await page.getByRole("dialog").getByRole("button", { name: "Hold failovers" }).click();
  await page.getByText("Failovers are held").waitFor();
}

async function migrateSome(page) {
  for (const name of ["web-front", "mqtt-bridge", "van-telemetry"])
    await page.getByLabel(`Choose ${name}`).check();
  await page.getByRole("button", { name: "Migrate (3)" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Migrate (3)" }).click();
  await page.getByText("3 refused").waitFor();
}

async function migrate(page) {
  await page.getByRole("button", { name: "Migrate" }).click();
  await page.getByRole("dialog").waitFor();
}

async function importEggs(page) {
  const file = (name, text) => ({ name, mimeType: "application/json", buffer: Buffer.from(text) });
  await page
    .getByLabel("Choose files", { exact: true })
    .last()
    .setInputFiles([
      file("game.json", '{"name": "Game"}'),
      file("broken.json", "{}"),
      file("web.json", '{"name": "Web server"}'),
    ]);
  await page
    .getByRole("button", { name: "Import 2 eggs" })
    .or(page.getByRole("button", { name: "Import 1 egg" }))
    .waitFor();
}

async function scanFactor(page) {
  await page.getByRole("button", { name: "Add a second factor" }).click();
  await page.getByRole("dialog").getByLabel("Current password").fill("admin123");
  await page.keyboard.press("Enter");
  await page.getByRole("img", { name: /QR code/ }).waitFor();
}

async function enableFactor(page) {
  await scanFactor(page);
  await page.getByLabel("Code", { exact: true }).fill("123456");
  await page.keyboard.press("Enter");
  await page.getByRole("list", { name: "Your recovery codes" }).waitFor();
}

async function newToken(page) {
  await page.getByRole("button", { name: "New token" }).click();
  await page.getByRole("button", { name: "Only reading" }).click();
}

const views = [
  ["desk-light", { width: 1280, height: 800 }, "light"],
  ["desk-dark", { width: 1280, height: 800 }, "dark"],
  ["phone-light", { width: 360, height: 740 }, "light"],
  ["phone-dark", { width: 360, height: 740 }, "dark"],
];

async function look(page, name) {
  await page.addScriptTag({ content: axe });
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  for (const v of violations) {
    console.log(`${name}: axe ${v.id}: ${v.help}`);
    for (const node of v.nodes.slice(0, 3)) console.log(`    ${node.html.slice(0, 160)}`);
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  if (wide) console.log(`${name}: scrolls sideways`);
  return violations.length + (wide ? 1 : 0);
}

const only = process.argv.slice(2);
const server = await preview({
  mode: "mock",
  build: { outDir: ".mock-dist" },
  preview: { port: 4199, host: "127.0.0.1" },
});
const profile = join(tmpdir(), `lormas-screenshots-${process.pid}`);
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split(
    " ",
  ),
});
mkdirSync(out, { recursive: true });
let faults = 0;
for (const [view, viewport, colorScheme] of views) {
  for (const [name, path, act] of scenes) {
    if (only.length > 0 && !only.includes(name)) continue;
    const page = await browser.newPage();
    page.on("pageerror", (error) => console.log(`${name}: ${error}`));
    page.on("console", (m) => m.type() === "error" && console.log(`${name}: console: ${m.text()}`));
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await page.goto(`http://127.0.0.1:4199${path}`);
    await page.locator("h1").first().waitFor();
    await page.waitForTimeout(500);
    await act?.(page);
    await page.waitForTimeout(300);
    faults += await look(page, `${name} ${view}`);
    await page.screenshot({ path: join(out, `${name}-${view}.png`), fullPage: !act });
    await page.close();
  }
}
await browser.close();
await server.close();
rmSync(profile, { recursive: true, force: true });
console.log(`${faults} faults; pictures in ${out}`);
process.exit(faults > 0 ? 1 : 0);
