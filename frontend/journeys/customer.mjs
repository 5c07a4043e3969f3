// A customer sees what is his and nothing else: he writes to his game's
// console, lives through a flood of output, and stops the game.
import { play } from "./stage.mjs";

const { EMAIL, PASSWORD, OTHER } = process.env;
const fresh = "eleven tame otters waiting";

await play(async (stage) => {
  const { page } = stage;
  await stage.open("/containers");
  await stage.signIn(EMAIL, PASSWORD);
  await stage.newPassword(PASSWORD, fresh);
  await stage.heading("Containers");
  await stage.link("mine").waitFor();
  await stage.look("containers");
  await stage.never(stage.link("not-mine"));
  for (const place of ["Nodes", "Audit"]) await stage.never(stage.link(place));
  await stage.never(stage.link("New container"));

  await stage.follow("mine");
  const log = page.getByRole("log");
  await stage.sees("ready, hi", log);
  const green = log.locator(".xterm-fg-2").filter({ hasText: "ready, hi" });
  await green.waitFor();
  await stage.type("Command", "hello");
  await page.keyboard.press("Enter");
  await stage.sees("did hello", log);
  await stage.look("console");
  await stage.sees("you", page.getByRole("region", { name: "About" })); // whose it is
  await stage.never(stage.button("Delete"));

  await stage.watchTasks();
  await stage.type("Command", "flood");
  await page.keyboard.press("Enter");
  await stage.sees("the flood is over", log);
  await stage.type("Command", "afterwards");
  await page.keyboard.press("Enter");
  await stage.sees("did afterwards", log);
  console.log(`longest task in the flood: ${await stage.longestTask()} ms`);
  await stage.look("after-the-flood");

  await page.keyboard.press("Control+f");
  await stage.type("Search the console", "did ");
  await stage.sees(/^[12] of [12]$/); // the flood may have washed the first away
  await stage.look("searched");
  await page.keyboard.press("Escape");
  await page.keyboard.press("End");

  await stage.watchTasks();
  await page.context().setOffline(true);
  await stage.sees(/Connection lost at/);
  await stage.lab(`flood ${page.url().split("/").pop()}`);
  await page.context().setOffline(false);
  await stage.sees("the flood of the lab is over", log);
  console.log(`longest task when catching up: ${await stage.longestTask()} ms`);
  await stage.press("Search");
  await stage.type("Search the console", "connection lost");
  await stage.sees(/connection lost .* – /, log);
  await stage.sees(/[0-9]+ lines missing/, log);
  await stage.look("gap");
  await page.keyboard.press("Escape");
  await stage.press("Follow the newest line");

  await stage.press("Change");
  await stage.type("GREETING", "hello there", stage.dialog);
  await stage.look("environment");
  await stage.press("Apply", stage.dialog);
  await stage.sees("ready, hello there", log);
  await stage.press("Stop");
  await stage.button("Start").waitFor();

  await stage.open(`/containers/${OTHER}`);
  await stage.sees(/there is no container/i);
  await stage.look("not-his");
});
