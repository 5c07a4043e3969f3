// The wall: the dashboard of a fleet of a thousand nodes, open all day. Lists
// stay smooth to their end, nothing takes the page away from who works on it,
// and the memory does not grow with what goes by.
import { readFileSync } from "node:fs";
import { play } from "./stage.mjs";

const { EMAIL, PASSWORD, HASTE } = process.env;
const containers = Number(process.env.CONTAINERS);
const nodes = Number(process.env.NODES);
const watchMs = Number(process.env.WATCH_MS);

/** A task longer than this is felt, ms. */
const feltMs = 200;
/** What a page may hold more after a while than before, of what it held. */
const growth = 0.1;
/** Rows that are drawn at once, at most: what is in sight, and some around it. */
const drawn = 100;

/** What the page's thread had done and waited for, ns. */
let spent = { worked: 0, waited: 0 };

await play(async (stage) => {
  const { page } = stage;
  await stage.open("/");
  await stage.signIn(EMAIL, PASSWORD);
  await stage.sees(new RegExp(`^${nodes} nodes`));
  await watchTasks(page);

  await page.getByLabel("Sort by").selectOption({ label: "Name, from the end" });
  await stage.sees(`shop-${nodes - 1}`);
  await toTheEnd(stage, "Nodes", nodes);
  await smooth(page, "all nodes");
  await look(stage, "nodes");

  await stage.follow("Containers");
  await stage.heading("Containers");
  await page.getByLabel("Sort by").selectOption({ label: "Name" });
  await stage.sees("web-0");
  await toTheEnd(stage, "Containers", containers);
  await smooth(page, "all containers");
  await look(stage, "containers");

  // What is far away is found, and seen to change; a state is looked for in all.
  await page.getByLabel("Filter by name").fill("web-7777");
  await stage.sees("web-7777");
  await stage.lab("say web-7777 failed the disk is full");
  await stage.sees("the disk is full");
  await page.getByLabel("Filter by name").fill("");
  await page.getByLabel("State").selectOption({ label: "failed" });
  await stage.sees("web-7777");
  await page.getByLabel("State").selectOption({ label: "Any state" });
  await smooth(page, "finding");

  // And then it hangs there, with the whole list read.
  await toTheEnd(stage, "Containers", containers);
  await stage.lab(`hurry ${HASTE}`);
  await page.waitForTimeout(watchMs / 4); // time is what is tested here
  const before = await held(page);
  const seen = await changes(page);
  await page.evaluate(longest); // of throwing away, which was done by force
  await page.waitForTimeout(watchMs);
  await smooth(page, "watching");
  const after = await held(page);
  const news = (await changes(page)) - seen;
  console.log(`heap: ${mb(before)} MB, then ${mb(after)} MB; the rows in view changed ${news} times`);
  if (news === 0) throw new Error("nothing changed on the wall: it is not live");
  if (after > before * (1 + growth)) throw new Error("the page holds more and more");
});

function mb(bytes) {
  return (bytes / 1e6).toFixed(1);
}

/**
 * That nothing was felt since the last time. How long the page's thread only
 * waited for a processor is taken off: the fleet, its controller and the
 * database share them with the browser here, as they would not elsewhere.
 */
async function smooth(page, what) {
  const ms = await page.evaluate(longest);
  const worked = await share(page);
  const own = Math.round(ms * worked);
  console.log(`${what}: the longest task took ${ms} ms, ${own} ms of it at work`);
  if (own > feltMs) throw new Error(`${what}: a task took ${own} ms`);
}

/** Which part of the time in which it had something to do, since the last time, the page's thread was at work (man 5 proc, schedstat). */
async function share(page) {
  const session = await page.context().browser().newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const busiest = processInfo
    .filter(({ type }) => type === "renderer")
    .sort((a, b) => b.cpuTime - a.cpuTime)[0];
  const [worked, waited] = readFileSync(`/proc/${busiest.id}/schedstat`, "utf8").split(" ").map(Number);
  const [w, q] = [worked - spent.worked, waited - spent.waited];
  spent = { worked, waited };
  return w / (w + q);
}

/** A picture, and axe, which takes its time: that is not the dashboard's. */
async function look(stage, name) {
  await stage.look(name);
  await stage.page.evaluate(longest);
}

/** Runs in the page: the longest task since the last time, ms. */
async function longest() {
  await new Promise((done) => requestAnimationFrame(() => requestIdleCallback(done)));
  const { longest } = globalThis.wall;
  globalThis.wall.longest = 0;
  return longest;
}

/** Notes the longest task, and how often what is drawn changes, from now on. */
function watchTasks(page) {
  return page.evaluate(() => {
    globalThis.wall = { longest: 0, changes: 0 };
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries())
        globalThis.wall.longest = Math.max(globalThis.wall.longest, Math.round(duration));
    }).observe({ type: "longtask" });
    new MutationObserver((list) => {
      globalThis.wall.changes += list.length;
    }).observe(document.querySelector("main"), { subtree: true, childList: true, characterData: true });
  });
}

function changes(page) {
  return page.evaluate(() => globalThis.wall.changes);
}

/** Goes down as with a wheel until the last of so many rows is there. */
async function toTheEnd({ page }, name, count) {
  await page.mouse.move(600, 400);
  for (let there = false; !there; ) {
    await page.mouse.wheel(0, 12_000);
    const rows = await page.evaluate(rowsOf, name);
    if (rows.length > drawn) throw new Error(`${rows.length} rows are drawn at once`);
    there = rows.includes(String(count + 1));
  }
}

/** Runs in the page, and is quick there: the numbers of the rows, as they are drawn next. */
async function rowsOf(name) {
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const rows = document.querySelectorAll(`table[aria-label="${name}"] tr[aria-rowindex]`);
  return Array.from(rows, (row) => row.getAttribute("aria-rowindex"));
}

/** What the page holds when all that can be is thrown away, bytes. */
async function held(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize;
}
