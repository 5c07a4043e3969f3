// A bad day: the session ends and the controller goes away while a form is
// filled in, a move is in the way, things have odd names, and the broker
// refuses. Nothing that was typed is lost.
import { play } from "./stage.mjs";

const { EMAIL, PASSWORD, CONTAINER } = process.env;
const name = `"><b>x</b> \u202eתה שלום مرحبا 'quoted' & ${"wide".repeat(30)}`;
const about = `"><i>${"ר".repeat(80)}`;

const ended = "Your session has ended. Sign in again to go on where you were.";

await play(async (stage) => {
  const { page } = stage;
  await stage.open("/eggs/new");
  await stage.signIn(EMAIL, PASSWORD);
  await stage.type("Name", name);
  await stage.type("Image", "lormas/demo:1");

  await stage.lab(`sign-out ${EMAIL}`);
  await stage.press("Create egg");
  await stage.sees(ended);
  await stage.look("session-ended");
  await stage.signIn(EMAIL, PASSWORD);
  await stage.seesNot(ended);
  await stage.typed("Name", name);

  await stage.lab("stop-controller");
  await stage.press("Create egg");
  await stage.sees("The controller does not answer");
  await stage.sees(/Offline since|Reconnecting…/);
  await stage.look("controller-away");
  await stage.typed("Name", name);

  await stage.lab("start-controller");
  await stage.sees("Live");
  await stage.press("Create egg");
  await stage.heading(name);
  await stage.look("saved-in-the-end");

  await stage.open(`/containers/${CONTAINER}`);
  await stage.heading("stuck");
  await stage.press("Migrate");
  await stage.press("Migrate", stage.dialog);
  await stage.sees(/Moving: /);
  await stage.press("Stop");
  await stage.sees(/the container is being moved by/);
  await stage.look("refused-while-it-moves");
  await page.getByRole("link", { name: /^migration / }).click();
  await page.waitForURL(/containers\/.*#/);
  await stage.press("Cancel the move");
  await stage.press("Cancel the move", stage.dialog);
  await stage.seesNot(/Moving: /);
  await stage.follow("Eggs");
  await stage.follow(name);
  await stage.heading(name);

  await page.setViewportSize({ width: 360, height: 740 });
  await stage.fits();
  await stage.look("narrow-egg");
  await stage.follow("Eggs");
  await stage.heading("Eggs");
  await stage.link(name).waitFor();
  await stage.fits();
  await stage.look("narrow-eggs");

  await stage.follow("Categories");
  await stage.press("Add category");
  await stage.type("Name", name, stage.dialog);
  await stage.type("Description", about, stage.dialog);
  await stage.press("Add category", stage.dialog);
  await stage.sees(/cannot be a name/, stage.dialog);
  await stage.fits();
  await stage.type("Name", "games", stage.dialog);
  await stage.press("Add category", stage.dialog);
  await stage.heading("games");
  await stage.sees(about);
  await stage.fits();
  await stage.look("narrow-categories");
  await stage.follow("Eggs");
  await stage.follow(name);
  await page.getByLabel("Category").selectOption("games");
  await stage.press("Save");
  await stage.sees("Saved");
  await stage.follow("Eggs");
  await page.getByLabel("Category").selectOption("games");
  await stage.link(name).waitFor();
  await stage.fits();
  await stage.look("narrow-category");
  await stage.follow(name);
  await stage.follow("New container from this");
  await stage.heading("New container");
  await stage.sees(name);
  await stage.fits();
  await stage.type("Name", name);
  await page.keyboard.press("Enter");
  await stage.sees(/cannot be a name/);
  await stage.fits();
  await stage.look("narrow-wizard");

  await page.routeWebSocket("**/mqtt", (socket) => socket.close());
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.reload();
  await stage.heading("New container");
  await stage.sees(/Offline since|Reconnecting…/);
  await stage.follow("Eggs"); // all that is asked for still comes
  await stage.follow(name);
  await stage.heading(name);
  await stage.type("Description", "changed while the broker refused");
  await stage.press("Save");
  await stage.sees("Saved");
  await stage.look("broker-refuses");
});
