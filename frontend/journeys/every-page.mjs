// Every page that there is, as everybody has to be able to use it: in light
// and dark, on a desk and on a phone, with axe, without motion for who wants
// none, and by keyboard alone. The pages are read from the code, so that none
// is forgotten.
import { readFileSync } from "node:fs";
import { play } from "./stage.mjs";

const { EMAIL, PASSWORD, EGG } = process.env;
const source = readFileSync(new URL("../src/routes/routes.tsx", import.meta.url), "utf8");
const routes = [...source.matchAll(/\bpage\("([^"]+)"/g)].map(([, path]) => path);

/** Pages that no list leads to. A migration's own is seen only of one that is not there. */
const unlisted = {
  "*": "/nothing/at/all",
  "migrations/:id": "/migrations/01a21b0a-0000-7000-8000-000000000000",
};

const sizes = { desk: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };

await play(async (stage) => {
  const { page } = stage;
  const faults = [];
  const check = async (name, act) => act().catch((error) => faults.push(`${name}: ${error.message}`));

  if (routes.length < 15) throw new Error(`only ${routes.length} pages are found in routes.tsx`);
  await page.emulateMedia({ reducedMotion: "reduce" });
  await stage.open("/reset#token=none");
  await stage.heading("Set your password");
  await check("reset", () => everyLook(stage, "reset"));
  await stage.open("/nodes");
  await stage.heading("Sign in");
  await check("sign-in", () => everyLook(stage, "sign-in"));
  await stage.signIn(EMAIL, PASSWORD);
  await stage.heading("Nodes");

  for (const route of routes) {
    const name = route.replaceAll("/", "-").replace(":", "").replace("*", "not-found");
    await stage.open(await addressOf(stage, route));
    await settled(page);
    await check(name, () => everyLook(stage, name));
  }

  await page.setViewportSize(sizes.desk);
  await stage.open("/nodes");
  await stage.press("Hold failovers");
  await stage.type("Reason", "a cable is laid", stage.dialog);
  await stage.press("Hold failovers", stage.dialog);
  await stage.sees(/Held by an operator: a cable is laid/);
  await check("hold", () => everyLook(stage, "hold"));
  await stage.press("Release");
  await stage.press("Release", stage.dialog);
  await stage.seesNot(/a cable is laid/);

  await page.setViewportSize(sizes.desk);
  await stage.open("/containers");
  await settled(page);
  await check("the keys of containers", () => everyStop(page));
  await everyStep(stage, check);

  await stage.open("/containers");
  await page.getByRole("checkbox", { name: "Choose all that are shown" }).check();
  for (const name of [/^Migrate/, /^Delete/]) {
    await check(`the dialog of ${name}`, () => closes(page, page.getByRole("button", { name })));
  }
  await stage.open("/clusters");
  await check("the dialog of Edit", () => closes(page, page.getByRole("button", { name: /^Edit/ }).first()));
  await check("the palette", () => closes(page, page.getByRole("button", { name: /^Go to/ }).first()));

  if (faults.length > 0) throw new Error(`${faults.length} faults:\n${faults.join("\n")}`);
});

/** Where a route leads to: of a thing, its first that the list has. */
async function addressOf(stage, route) {
  if (unlisted[route]) return unlisted[route];
  if (!route.includes(":")) return `/${route}`;
  const list = `/${route.slice(0, route.indexOf("/:"))}`;
  await stage.open(list);
  const link = stage.page.locator(`main a[href^="${list}/"]`);
  await link.first().waitFor();
  const found = await link.evaluateAll((all) => all.map((a) => a.getAttribute("href")));
  const thing = found.find((href) => !routes.includes(href.slice(1)));
  if (!thing) throw new Error(`no link in ${list} leads to ${route}`);
  return thing;
}

async function settled(page) {
  await page.locator("h1").first().waitFor();
  await page.waitForFunction(() => !document.querySelector("main [aria-busy=true]"));
}

async function everyLook(stage, name) {
  const { page } = stage;
  const said = [];
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.waitForFunction((scheme) => document.documentElement.dataset.theme === scheme, colorScheme);
      await stage.look(`${name}-${size}-${colorScheme}`).catch((error) => said.push(error.message));
    }
    said.push(...(await page.evaluate(faultsOfPage)).map((fault) => `${size}: ${fault}`));
  }
  if (said.length > 0) throw new Error(said.join("\n    "));
}

/** From the first step of a new container to the last. */
async function everyStep(stage, check) {
  const { page } = stage;
  const heading = page.locator("main h2[tabindex]");
  await stage.open(`/containers/new?egg=${EGG}`);
  await stage.type("Name", "never-made");
  for (let last = false; !last; ) {
    await settled(page);
    const step = await heading.textContent();
    if (step === "Resources") await page.getByRole("radio", { name: /^node-/ }).first().waitFor();
    await check(`the keys of ${step}`, () => everyStop(page));
    await check(step, () => everyLook(stage, `step-${step.toLowerCase().replaceAll(" ", "-")}`));
    await page.setViewportSize(sizes.desk);
    last = await stage.button("Create container").isVisible();
    if (last) continue;
    await stage.press("Continue");
    await heading.filter({ hasNotText: step }).waitFor();
  }
}

/** In the page: what is too wide, moves, or is not for people's eyes. */
function faultsOfPage() {
  const said = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) said.push(`it is ${scrollWidth} px wide, of ${clientWidth}`);
  for (const element of document.querySelectorAll("body, body *")) {
    for (const part of [null, "::before", "::after"]) {
      const { animationDuration, transitionDuration } = getComputedStyle(element, part);
      const longest = Math.max(...`${animationDuration},${transitionDuration}`.split(",").map(Number.parseFloat));
      if (longest > 0) said.push(`it moves for ${longest} s: ${element.outerHTML.slice(0, 120)}`);
    }
  }
  // Ids stand where they are meant for machines: in the fixed-width font. A migration has no name.
  const id = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;
  const raw = /\b(undefined|NaN|null)\b|\[object |Invalid Date/;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { data, parentElement: at } = texts.currentNode;
    if (!at.checkVisibility() || at.closest("script, style, .font-mono, code, pre, a[href^='/migrations/']")) continue;
    // What is not there has no name to be called by.
    if (/^there is no [a-z]+ \S+$/.test(data.trim())) continue;
    if (id.test(data) || raw.test(data)) said.push(`it says ${JSON.stringify(data)}`);
  }
  return said;
}

/** That Tab goes to whatever can be used, in the order of the page, and is seen there. */
async function everyStop(page) {
  const expected = await page.evaluate(() => {
    const usable = "a[href], button:enabled, input:enabled, select:enabled, textarea:enabled, summary, [tabindex]";
    const group = ({ name }) => [...document.querySelectorAll(`input[type=radio][name="${CSS.escape(name)}"]`)];
    const stands = (radio) => radio === (group(radio).find((r) => r.checked) ?? group(radio)[0]); // for its group
    const stops = [...document.querySelectorAll(usable)].filter(
      (e) => e.tabIndex >= 0 && e.checkVisibility() && (e.type !== "radio" || stands(e)),
    );
    // One begins at the top, also where the page has taken the focus itself.
    const top = document.createElement("span");
    top.tabIndex = -1;
    document.body.prepend(top);
    top.focus();
    top.remove();
    for (const [i, stop] of stops.entries()) stop.dataset.stop = `${i}`;
    return stops.map((stop) => stop.outerHTML.slice(0, 120));
  });
  if (expected.length < 10) throw new Error(`only ${expected.length} things can be used`);
  for (const [i, html] of expected.entries()) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      const { top, bottom, width, height } = document.activeElement.getBoundingClientRect();
      const shown = width > 1 && height > 1 && top < innerHeight && bottom > 0;
      return {
        stop: document.activeElement.dataset.stop,
        html: document.activeElement.outerHTML.slice(0, 120),
        seen: shown && outlineStyle !== "none" && Number.parseFloat(outlineWidth) > 0,
      };
    });
    if (at.stop !== `${i}`) throw new Error(`Tab ${i + 1} comes to ${at.html}\n    instead of ${html}`);
    if (!at.seen) throw new Error(`one does not see that Tab ${i + 1} is at ${at.html}`);
  }
}

/** That Escape closes a dialog, and gives the focus back to what opened it. */
async function closes(page, button) {
  await button.focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  const inside = await dialog.evaluate((d) => d.contains(document.activeElement));
  if (!inside) throw new Error("the focus is not in it");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await button.and(page.locator(":focus")).waitFor({ timeout: 10_000 });
}
