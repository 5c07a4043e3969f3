import { chromium } from "playwright-core";
const browser = await chromium.launchPersistentContext(`/tmp/frontend/chrome-${process.pid}`, {
  executablePath: "/usr/bin/chromium",
  args: "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split(" "),
});
const page = await browser.newPage();
page.on("pageerror", (e) => console.log("PAGEERROR", String(e)));
page.on("console", (m) => ["error", "warning"].includes(m.type()) && console.log("CONSOLE", m.text()));
page.on("response", (r) => r.status() >= 400 && console.log("HTTP", r.status(), r.request().method(), r.url()));
page.on("websocket", (w) => { console.log("WS", w.url()); w.on("close", () => console.log("WS closed")); });
const base = "http://127.0.0.1:17070";
await page.goto(base);
await page.getByLabel("Email").fill("admin@lormas.local");
await page.getByLabel("Password").fill("correct horse battery");
await page.getByRole("button", { name: "Sign in" }).click();
await page.getByRole("heading", { name: "Nodes" }).waitFor();
await page.getByText("Live", { exact: true }).first().waitFor({ timeout: 10000 });
console.log("live");
const tag = String(process.pid);
await page.getByRole("button", { name: "Add node" }).first().click();
await page.getByLabel("Name").fill("edge-" + tag);
await page.getByRole("button", { name: "Get the command" }).click();
await page.locator("pre").waitFor();
console.log((await page.locator("pre").innerText()).replace(/eyJ\S+/, "<token>"));
(await import("node:fs")).writeFileSync("/tmp/frontend/command.txt", await page.locator("pre").innerText());
await page.screenshot({ path: "/tmp/frontend/real-add.png" });
await page.getByRole("button", { name: "Close" }).last().click();
await page.goto(base + "/eggs/new");
await page.getByLabel("Image").waitFor();
await page.getByRole("button", { name: "Create egg" }).click();
await page.waitForTimeout(800);
await page.screenshot({ path: "/tmp/frontend/real-egg-fault.png", fullPage: true });
await page.getByLabel("Name").fill("Demo " + tag);
await page.getByLabel("Image").fill("lormas/demo:1");
await page.getByRole("button", { name: "Create egg" }).click();
await page.getByRole("button", { name: "Save" }).waitFor();
await page.getByRole("link", { name: "New container from this" }).click();
await page.getByLabel("Name").fill("bad name!");
await page.getByLabel("Node").selectOption({ index: 1 });
await page.getByRole("button", { name: "Create container" }).click();
await page.waitForTimeout(1000);
await page.screenshot({ path: "/tmp/frontend/real-fault.png", fullPage: true });
await page.getByLabel("Name").fill("web-" + tag);
await page.getByRole("button", { name: "Create container" }).click();
await page.waitForTimeout(2000);
await page.screenshot({ path: "/tmp/frontend/real-container.png", fullPage: true });
console.log(page.url());
for (const p of ["nodes", "containers", "jobs", "audit"]) {
  await page.goto(`${base}/${p}`);
  await page.waitForTimeout(1200);
  await page.screenshot({ path: `/tmp/frontend/real-${p}.png` });
}
await browser.close();
