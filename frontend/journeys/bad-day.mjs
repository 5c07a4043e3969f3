// A bad day: the session ends and the controller goes away while a form is
// filled in, and the broker refuses. Nothing that was typed is lost.
import { play } from "./stage.mjs";

const { EMAIL, PASSWORD } = process.env;
const name = "\u202eתה 'quoted' \"twice\" & <i>";

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

  await page.routeWebSocket("**/mqtt", (socket) => socket.close());
  await page.reload();
  await stage.heading(name);
  await stage.sees(/Offline since|Reconnecting…/);
  await stage.look("broker-refuses");
});
