// What every journey stands on: a real browser, a person in it, and, where a
// test of deploy/e2e plays it, a lab whose links it may cut. A journey ends
// with exit code 1 at its first fault, with a picture of what was seen then.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

export const pictures =
  process.env.LORMAS_PICTURES ?? new URL("../.screenshots/", import.meta.url).pathname;

/** How long anything may take: far more than it does, as the machine may be busy. */
const patience = 60_000;

const axe = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
// Without the flags about the background Chromium speaks to the internet.
const flags =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

/** Plays a story against the controller that the command line names. */
export async function play(story) {
  const name = basename(process.argv[1], ".mjs");
  const profile = join(tmpdir(), `lormas-journey-${process.pid}`);
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    viewport: { width: 1280, height: 800 },
    args: flags.split(" "),
  });
  const stage = new Stage(name, await browser.newPage());
  let failed = false;
  try {
    await story(stage);
    stage.checkErrors();
  } catch (error) {
    failed = true;
    console.log(`${name}: ${error.stack ?? error}`);
    await stage.shot("failed").catch(() => {});
  }
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
  process.exit(failed ? 1 : 0);
}

class Stage {
  server = process.argv[2] ?? "http://127.0.0.1:7070";
  #name;
  #errors = [];
  #answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

  constructor(name, page) {
    this.#name = name;
    this.page = page;
    page.setDefaultTimeout(patience);
    page.on("pageerror", (error) => this.#errors.push(`${error.stack ?? error}`));
    mkdirSync(pictures, { recursive: true });
  }

  /** The dashboard's own faults end a journey too, even where nobody saw them. */
  checkErrors() {
    if (this.#errors.length > 0) throw new Error(`the page had faults:\n${this.#errors.join("\n")}`);
  }

  open(path) {
    return this.page.goto(this.server + path);
  }

  /** Only what is visible counts: the bar of a phone is there as well. */
  button(name, within = this.page) {
    return within.getByRole("button", { name, exact: true }).filter({ visible: true }).first();
  }

  link(name, within = this.page) {
    return within.getByRole("link", { name, exact: true }).filter({ visible: true }).first();
  }

  press(name, within) {
    return this.button(name, within).click();
  }

  follow(name, within) {
    return this.link(name, within).click();
  }

  type(label, text, within = this.page) {
    return within.getByLabel(label, { exact: true }).first().fill(text);
  }

  /** That a field still holds what was typed. */
  async typed(label, text) {
    const held = await this.page.getByLabel(label, { exact: true }).first().inputValue();
    if (held !== text) throw new Error(`${label} holds ${JSON.stringify(held)}`);
  }

  sees(text, within = this.page) {
    return within.getByText(text).filter({ visible: true }).first().waitFor();
  }

  seesNot(text, within = this.page) {
    return within.getByText(text).first().waitFor({ state: "hidden" });
  }

  /** That something is not offered; the page has to be there by now. */
  async never(locator) {
    if ((await locator.count()) > 0) throw new Error(`${locator} is offered`);
  }

  heading(name) {
    return this.page.getByRole("heading", { name }).first().waitFor();
  }

  get dialog() {
    return this.page.getByRole("dialog");
  }

  async signIn(email, password, code) {
    await this.type("Email", email);
    await this.type("Password", password);
    await this.page.keyboard.press("Enter");
    if (!code) return;
    await this.type("Code", code);
    await this.page.keyboard.press("Enter");
  }

  async putNode(node, cluster) {
    await this.press(`Put a node in ${cluster}`);
    await this.type("Node", node, this.dialog);
    await this.page.getByRole("option", { name: node }).click();
    await this.press("Put it in", this.dialog);
    await this.dialog.waitFor({ state: "hidden" });
  }

  /** Of somebody who has to change the password that he was given. */
  async newPassword(old, fresh) {
    await this.type("Current password", old);
    await this.type("New password", fresh);
    await this.type("New password again", fresh);
    await this.page.keyboard.press("Enter");
  }

  /** From now on it is known how long the page was held up at a time. */
  watchTasks() {
    return this.page.evaluate(() => {
      window.longest = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
      }).observe({ type: "longtask" });
    });
  }

  longestTask() {
    return this.page.evaluate(() => window.longest);
  }

  /** Asks the test to do something to the lab, such as "cut 1". */
  async lab(command) {
    console.log(`@lab ${command}`);
    const { value, done } = await this.#answers.next();
    if (done || value !== "ok") throw new Error(`${command}: ${value ?? "nobody plays the lab"}`);
  }

  /** That neither the page nor a table in it is wider than there is room, whatever things are called. */
  async fits() {
    const wide = await this.page.evaluate(() =>
      [document.documentElement, ...[...document.querySelectorAll("table")].map((t) => t.parentElement)]
        .filter((at) => at.scrollWidth > at.clientWidth)
        .map((at) => `${at.scrollWidth} pixels where there are ${at.clientWidth}`),
    );
    if (wide.length > 0) throw new Error(`${this.page.url()} is too wide: ${wide.join("; ")}`);
  }

  /** A picture of a page, which has to be fit for everybody. */
  async look(name) {
    await this.shot(name);
    await this.page.evaluate(axe);
    const { violations } = await this.page.evaluate(() => globalThis.axe.run());
    const said = violations.map((v) => `${v.id}: ${v.help}\n    ${v.nodes[0].html.slice(0, 200)}`);
    if (said.length > 0) throw new Error(`${name}: axe finds\n${said.join("\n")}`);
  }

  shot(name) {
    return this.page.screenshot({ path: join(pictures, `${this.#name}-${name}.png`) });
  }
}
