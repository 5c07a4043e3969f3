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
  const link = stage.dialog.getByText(/\/reset#token=/);
  const [, secret] = (await link.textContent()).match(/#token=(\S+)/);
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

  const colleague = await page.context().newPage();
  await colleague.goto(page.url());
  await colleague.getByLabel("Description", { exact: true }).fill("changed by a colleague");
  await page.getByLabel("Description", { exact: true }).fill("not to be kept");
  const kept = colleague.waitForResponse((answer) => answer.request().method() === "PATCH");
  await colleague.getByRole("button", { name: "Save", exact: true }).click();
  await kept;
  await stage.press("Save");
  await stage.sees("It changed in the meantime");
  await stage.press("Show it as it is now");
  await stage.typed("Description", "changed by a colleague");
  await colleague.close();

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
  await stage.typed("Permission", "container.start");
  await stage.sees("in the cluster room", page.getByRole("table", { name: "Roles" }));

  const jane = await comesIn(stage.server, secret);
  await page.reload();
  const sessions = page.getByRole("region", { name: "Sessions" });
  const tokens = page.getByRole("region", { name: "API tokens" });
  await stage.sees("Firefox on Linux", sessions);
  await stage.sees("backup", tokens);
  await stage.look("ways-in");
  await stage.press("Revoke backup", tokens);
  await stage.press("Revoke", stage.dialog);
  await stage.sees("They have no API tokens.");
  if ((await jane.withToken()) !== 401) throw new Error("the token still works");
  await stage.press("Sign out Firefox on Linux", sessions);
  await stage.sees("They are not signed in anywhere.");
  if ((await jane.signedIn()) !== 401) throw new Error("she is still signed in");

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

/** Jane sets her password with the link, signs in, and makes a token for a tool. */
async function comesIn(server, secret) {
  const call = (method, path, bearer, body) =>
    fetch(`${server}/api/v1${path}`, {
      method,
      headers: {
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "Content-Type": "application/json",
        ...(bearer && { Authorization: `Bearer ${bearer}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
  const password = "a heron walks on 2 legs";
  await call("POST", "/auth/password-reset", "", { token: secret, newPassword: password });
  const signed = await call("POST", "/auth/login", "", { email: "jane@lormas.local", password });
  const { accessToken } = await signed.json();
  const made = await call("POST", "/auth/tokens", accessToken, { name: "backup", permissions: ["node.view"] });
  const { token } = await made.json();
  const statusWith = async (bearer) => (await call("GET", "/auth/me", bearer)).status;
  const jane = { withToken: () => statusWith(token), signedIn: () => statusWith(accessToken) };
  const before = [await jane.withToken(), await jane.signedIn()];
  if (before.join() !== "200,200") throw new Error(`Jane cannot come in: ${before}`);
  return jane;
}
