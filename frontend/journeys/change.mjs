// Things are changed, given away and removed, and what is still in use is not.
import { play } from "./stage.mjs";

const { EMAIL, PASSWORD, CONTAINER, EGG, NODE, NEW_OWNER } = process.env;

await play(async (stage) => {
  const { page, dialog } = stage;
  await stage.open(`/containers/${CONTAINER}`);
  await stage.signIn(EMAIL, PASSWORD);
  await stage.heading("changed");

  // Limits of what runs, and a group; what cannot be is said at its field.
  await page.getByRole("region", { name: "About" }).getByRole("button", { name: "Change" }).click();
  await stage.type("Memory", "much", dialog);
  await stage.press("Apply", dialog);
  await stage.sees("is not a size", dialog);
  await stage.type("Memory", "48m", dialog);
  await stage.type("Group", "shops", dialog);
  await stage.type("Ports", "http", dialog);
  await stage.press("Apply", dialog);
  await stage.sees("“http” is no port", dialog);
  await stage.type("Ports", "0:8080", dialog);
  await stage.look("limits");
  await stage.press("Apply", dialog);
  await dialog.waitFor({ state: "hidden" });
  await stage.sees("48m");
  await stage.sees("shops");

  await stage.press("Assign");
  await stage.type("User", NEW_OWNER, dialog);
  await page.getByRole("option", { name: NEW_OWNER }).click();
  await stage.look("owner");
  await stage.press("Assign", dialog);
  await dialog.waitFor({ state: "hidden" });
  await stage.sees("heir");

  // An egg that is used stays.
  await stage.open(`/eggs/${EGG}`);
  await stage.press("Delete");
  await stage.press("Delete", dialog);
  await stage.sees(/container/, page.getByRole("alert"));

  await stage.open(`/nodes/${NODE}`);
  await stage.heading("spare");
  await stage.press("Edit");
  await stage.type("Labels", "site", dialog);
  await stage.press("Save", dialog);
  await stage.sees("“site” is not a name and a value", dialog);
  await stage.type("Labels", "site=harbour", dialog);
  await stage.type("Ports to give", "25600-25565", dialog);
  await stage.type("Name", "spare-2", dialog);
  await stage.press("Save", dialog);
  await dialog.locator(".text-bad").waitFor(); // the controller's own words
  await stage.type("Ports to give", "25565-25600", dialog);
  await stage.look("node");
  await stage.press("Save", dialog);
  await stage.heading("spare-2");
  await stage.sees("site=harbour");
  await stage.sees("25565-25600");
  await stage.press("Revoke credential");
  await stage.press("Revoke credential", dialog);
  await dialog.waitFor({ state: "hidden" });
  await stage.press("Remove node");
  await stage.press("Remove node", dialog);
  await stage.heading("Nodes");
  await stage.sees("node-1");
  await stage.seesNot("spare-2");

  // What is deleted leaves the list by itself, and then its egg may go, too.
  await stage.open("/containers?q=changed");
  await page.getByRole("checkbox", { name: "Choose changed", exact: true }).check();
  await stage.press("Delete (1)");
  await stage.press("Delete (1)", dialog);
  await stage.sees("Nothing matches the filter");
  await stage.open(`/eggs/${EGG}`);
  await stage.press("Delete");
  await stage.press("Delete", dialog);
  await stage.heading("Eggs");
  await stage.seesNot("in-use");
});
