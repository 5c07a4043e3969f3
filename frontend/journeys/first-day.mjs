// Somebody's first day: signs in, adds a machine, imports an egg, makes a
// container of it, reads its console, and stops it.
import { play } from "./stage.mjs";

const { EMAIL, PASSWORD, IMAGE } = process.env;
const egg = {
  meta: { version: "PTDL_v2" },
  name: `first "egg" <b>`,
  docker_images: { only: IMAGE },
  startup: "serve",
  config: { stop: "^C" },
  variables: [
    variable("Greeting", "GREETING", "hello", "required|string|max:8"),
    variable("Level", "LEVEL", "easy", "required|in:easy,hard"),
  ],
};
const fresh = "seven slow vans uphill";

function variable(name, env_variable, default_value, rules) {
  return { name, env_variable, default_value, rules, description: "", user_viewable: true, user_editable: true };
}

/** As large as the largest egg that is known. */
const large = JSON.stringify({
  ...egg,
  name: "A large egg",
  variables: Array.from({ length: 180 }, (_, i) => ({
    ...variable(`Setting ${i}`, `SETTING_${i}`, "x".repeat(1700), "string"),
  })),
}).padEnd(342 * 1024);

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

  await stage.follow("Clusters");
  await stage.press("Add cluster");
  await stage.type("Name", "depot", stage.dialog);
  await stage.press("Add cluster", stage.dialog);
  await stage.putNode("van-3", "depot");
  await stage.link("van-3").waitFor();
  await stage.look("clusters");

  await stage.follow("Eggs");
  await stage.follow("Import");
  const file = (name, text) => ({ name, mimeType: "application/json", buffer: Buffer.from(text) });
  await page
    .locator("input[type=file]")
    .setInputFiles([
      file("first.json", JSON.stringify(egg)),
      file("broken.json", '{"meta":{"version":"PTDL_v2"},\n"name":""}'),
      file("large.json", large),
    ]);
  await stage.sees("is no egg");
  await stage.sees(/line 2/);
  await stage.look("eggs-looked-at");
  await stage.press("Import 2 eggs");
  await stage.link("A large egg").waitFor();
  await stage.follow(egg.name);
  await stage.heading(egg.name);
  await stage.follow("New container from this");
  await stage.heading("New container");
  await page.getByText("More owner, group").click();
  await stage.type("Group", "first");
  await stage.type("Name", "first-one");
  await stage.look("egg");
  await page.keyboard.press("Enter"); // goes on

  await stage.heading("Variables");
  await stage.type("Greeting", "far too long for it");
  await page.keyboard.press("Enter");
  await stage.sees("Greeting: must be at most 8 characters long");
  await stage.type("Greeting", "welcome");
  await page.getByLabel("Level").selectOption("hard");
  await stage.look("variables");
  await stage.press("Continue");

  await stage.heading("Resources");
  await stage.type("Memory", "900g");
  await stage.sees(/No node can take this now/);
  await stage.look("no-room");
  await stage.press("Back");
  await stage.heading("Variables");
  await stage.typed("Greeting", "welcome");
  await stage.press("Continue");
  await stage.heading("Resources");
  await stage.typed("Memory", "900g");
  await stage.type("Memory", "64m");
  await page.getByRole("radio", { name: /van-3/ }).check();
  await stage.look("resources");
  await stage.press("Continue");
  await stage.heading("Ports and volumes");
  await page.getByText("More volumes").click();
  await stage.type("Volumes", "first-notes:notes");
  await stage.press("Continue");
  await stage.sees('"notes" must be a clean absolute path inside the container');
  await stage.type("Volumes", "first-notes:/notes");
  await stage.look("volumes");
  await stage.press("Continue");
  await stage.heading("High availability");
  await stage.look("availability");
  await page.keyboard.press("Enter"); // the heading has the focus
  await stage.heading("Review");
  await stage.sees("welcome");
  await stage.sees("first-notes → /notes");
  await stage.look("review");
  await stage.press("Create container");

  await stage.heading("first-one");
  await stage.sees("running");
  await stage.sees(/demo|listening|serving/i, page.getByRole("log"));
  await stage.sees("first-notes → /notes");
  await stage.look("running");
  await stage.press("Stop");
  await stage.sees("stopped");
  const events = page.getByRole("list", { name: "What happened" });
  for (const told of ["container.create", "container.stop", "stopped", `by ${EMAIL}`])
    await stage.sees(told, events);
  await events.scrollIntoViewIfNeeded();
  await stage.look("stopped");
});
