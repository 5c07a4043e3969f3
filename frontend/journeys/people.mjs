// An administrator adds somebody, makes a role for them, gives it to them, and
// asks why they may do what they may.
import { play } from "./stage.mjs";

const { EMAIL, PASSWORD } = process.env;

await play(async (stage) => {
  const { page } = stage;
  await stage.open("/users");
  await stage.signIn(EMAIL, PASSWORD);
  await stage.heading("People");
  await stage.press("Add a user");
  await stage.type("Email", "jane@lormas.local", stage.dialog);
  await stage.type("Name", "Jane \u202eDoe", stage.dialog);
  await stage.press("Create the link", stage.dialog);
  await stage.sees(/\/reset#token=/, stage.dialog);
  await stage.look("link");
  await stage.press("Done", stage.dialog);
  await stage.look("people");

  await stage.follow("Roles");
  await stage.press("New role");
  await stage.type("Name", "Night shift", stage.dialog);
  await stage.press("Create role", stage.dialog);
  await stage.heading("Night shift");
  await page.getByLabel("Parent", { exact: true }).selectOption({ label: "Viewer" });
  await page.getByRole("checkbox", { name: /^node\.cordon/ }).check();
  await page.getByRole("checkbox", { name: /^node\.view\s*\(from the parent/ }).waitFor();
  await stage.look("role");
  await stage.press("Save");
  await page.reload();
  await stage.heading("Night shift");
  const cordon = page.getByRole("checkbox", { name: /^node\.cordon/ });
  await cordon.waitFor();
  if (!(await cordon.isChecked())) throw new Error("the permission was not kept");

  await stage.follow("People");
  await page.getByRole("link", { name: /Jane/ }).click();
  await page.getByLabel("Role", { exact: true }).selectOption({ label: "Night shift" });
  const access = page.locator("form").filter({ hasText: "Give this role" });
  await access.getByLabel("Of what").selectOption("In a cluster");
  await stage.press("Give this role");
  await stage.sees("Choose one of the list.", access);
  await stage.type("Cluster", "roo", access);
  await access.getByRole("option", { name: "room" }).waitFor();
  await stage.look("where");
  await page.keyboard.press("Enter");
  await stage.typed("Cluster", "room");
  await stage.press("Give this role");
  await page.getByRole("button", { name: "Take away Night shift" }).waitFor();
  await stage.look("given");
  await stage.sees("in the cluster room", page.getByRole("table", { name: "Roles" }));

  await page.getByLabel("Permission", { exact: true }).selectOption("node.view");
  await stage.press("Ask");
  await stage.sees("No");
  await stage.sees("Night shift → Viewer: node.view in the cluster room");
  const why = page.getByRole("region", { name: "Why may they?" });
  await why.getByLabel("Of what").selectOption("On a node");
  await stage.type("Node", "2", why);
  await why.getByRole("option", { name: "node-2" }).click();
  await stage.press("Ask");
  await stage.sees("Yes");
  await stage.look("why");
  await stage.press("Disable");
  await stage.press("Disable", stage.dialog);
  await stage.sees("disabled");
  await stage.look("disabled");

  await page.keyboard.press("Control+k");
  await stage.type("Name", "aud", stage.dialog);
  await stage.look("palette");
  await page.keyboard.press("Enter");
  await page.getByLabel("Verb, or a noun").fill("user");
  await stage.sees("user.disable");
  await stage.seesNot("role.create", page.getByRole("table"));
  await page.getByRole("row").filter({ hasText: "user.disable" }).getByText("Details").click();
  await stage.look("audit");
});
