// Somebody's first day: signs in, adds a machine, makes an egg and a container
// of it, reads its console, and stops it.
import { play } from "./stage.mjs";

const { EMAIL, PASSWORD, IMAGE } = process.env;
const fresh = "seven slow vans uphill";

await play(async (stage) => {
  const { page } = stage;
  await stage.open("/");
  await stage.look("sign-in");
  await stage.signIn(EMAIL, PASSWORD);
  await stage.heading("Choose a new password");
  await stage.look("new-password");
  await stage.newPassword(PASSWORD, fresh);
  await stage.heading("Nodes");

  await stage.press("Add node");
  await stage.type("Name", "van-3", stage.dialog);
  await stage.press("Get the command", stage.dialog);
  await stage.sees("Waiting for the agent…", stage.dialog);
  await stage.look("node-waiting");
  const line = await stage.dialog.locator("pre").first().textContent();
  const token = line.match(/LORMAS_AGENT_TOKEN=['"]?([^\s'"]+)/)?.[1];
  if (!token) throw new Error(`no token in the command: ${line}`);
  await stage.lab(`join 3 ${token}`);
  await stage.sees("van-3 has joined", stage.dialog);
  await stage.look("node-joined");
  await stage.press("Done", stage.dialog);

  await stage.follow("Eggs");
  await stage.follow("New egg");
  await stage.type("Name", `first "egg" <b>`);
  await stage.type("Image", IMAGE);
  await stage.press("Create egg");
  await stage.heading(`first "egg" <b>`);
  await stage.follow("New container from this");
  await stage.type("Name", "first-one");
  await page.getByLabel("Node", { exact: true }).selectOption({ label: await optionWith(page, "van-3") });
  await stage.press("Create container");

  await stage.heading("first-one");
  await stage.sees("running");
  await stage.sees(/demo|listening|serving/i, page.getByRole("log"));
  await stage.look("running");
  await stage.press("Stop");
  await stage.sees("stopped");
  await stage.look("stopped");
});

/** The whole label of the option of a node. */
async function optionWith(page, name) {
  const option = page.locator("option", { hasText: name }).first();
  await option.waitFor({ state: "attached" });
  return option.textContent();
}
