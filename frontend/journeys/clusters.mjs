// Somebody adds a cluster, moves a node into it and out again, edits it, and is
// told when a colleague was quicker.
import { play } from "./stage.mjs";

const { EMAIL, PASSWORD } = process.env;

await play(async (stage) => {
  const { page } = stage;
  const cluster = (name) => page.getByRole("listitem").filter({ has: page.getByRole("heading", { name }) });

  await stage.open("/clusters");
  await stage.signIn(EMAIL, PASSWORD);
  await stage.press("Add cluster");
  await stage.type("Name", "attic", stage.dialog);
  await page.getByLabel("How fast a silent node is given up").selectOption("custom");
  await stage.press("Add cluster", stage.dialog);
  await stage.sees("Give a time, such as 30s or 10m.", stage.dialog);
  await stage.type("Given up after", "for ever", stage.dialog);
  await stage.press("Add cluster", stage.dialog);
  await stage.sees(/is not a duration/, stage.dialog);
  await stage.look("refused");
  await stage.type("Given up after", "12s", stage.dialog);
  await page.getByLabel("When all of it falls silent").selectOption("failover_after");
  await stage.type("Fail over after", "30m", stage.dialog);
  await stage.press("Add cluster", stage.dialog);
  await stage.sees(/custom: given up after 12s/, cluster("attic"));

  await stage.putNode("node-2", "attic");
  await stage.link("node-2", cluster("attic")).waitFor();
  await cluster("room").getByRole("link", { name: "node-2" }).waitFor({ state: "hidden" });
  await stage.look("moved");

  await stage.press("Edit attic");
  const colleague = await page.context().newPage();
  await colleague.goto(page.url());
  await colleague.getByRole("button", { name: "Edit attic" }).click();
  await colleague.getByLabel("Description").fill("under the roof");
  await colleague.getByRole("button", { name: "Save" }).click();
  await colleague.getByText("under the roof").waitFor();
  await colleague.close();
  await stage.type("Name", "loft", stage.dialog);
  await stage.press("Save", stage.dialog);
  await stage.sees("It changed in the meantime", stage.dialog);
  await stage.press("Cancel", stage.dialog);
  await stage.sees("under the roof", cluster("attic"));
  await stage.press("Edit attic");
  await stage.typed("Fail over after", "30m0s");
  await stage.type("Name", "loft", stage.dialog);
  await stage.press("Save", stage.dialog);
  await stage.sees("under the roof", cluster("loft"));

  await stage.press("Take node-2 out of loft");
  await stage.sees("No nodes are in it.", cluster("loft"));
  await stage.putNode("node-2", "room");
  await stage.link("node-2", cluster("room")).waitFor();
  await stage.press("Remove loft");
  await stage.press("Remove", stage.dialog);
  await page.getByRole("heading", { name: "loft" }).waitFor({ state: "hidden" });
});
