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
  await stage.type("Command", "hello");
  await page.keyboard.press("Enter");
  await stage.sees("did hello", log);
  await stage.look("console");
  await stage.never(stage.button("Delete"));

  await stage.type("Command", "flood");
  await page.keyboard.press("Enter");
  await stage.sees("the flood is over", log);
  await stage.type("Command", "afterwards");
  await page.keyboard.press("Enter");
  await stage.sees("did afterwards", log);
  await stage.look("after-the-flood");

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
