// A node is lost while somebody watches: what is highly available moves, and
// the page tells it without being loaded again.
import { play } from "./stage.mjs";

const { EMAIL, PASSWORD, CONTAINER } = process.env;

await play(async (stage) => {
  const { page } = stage;
  await stage.open(`/containers/${CONTAINER}`);
  await stage.signIn(EMAIL, PASSWORD);
  await stage.heading("watched");
  await stage.sees("running");
  await stage.sees("Live");
  await page.evaluate(() => {
    window.neverLoadedAgain = true;
  });

  await stage.lab("cut 1");
  await stage.sees(/node-1 is (suspect|unreachable)|cannot be reached/);
  await stage.sees(/node-1 is (suspect|unreachable). This is what it last said, .* ago/);
  await stage.look("unreachable");
  await stage.follow("Nodes");
  await stage.sees("unreachable", page.getByRole("row").filter({ hasText: "node-1" }));
  await stage.look("nodes");
  await page.goBack();
  await page.getByText(/^node-[23]$/).filter({ visible: true }).first().waitFor();
  await stage.seesNot(/cannot be reached/);
  await stage.sees("running");
  await stage.sees(/listening/, page.getByRole("log"));
  const events = page.getByRole("list", { name: "What happened" });
  await stage.sees(/move node-1 → node-[23]: completed/, events);
  await stage.look("moved");
  await events.scrollIntoViewIfNeeded();
  await stage.shot("moved-events");

  await stage.follow("Nodes");
  await stage.follow("node-1");
  await stage.heading("node-1");
  await stage.sees(/^[0-9]+ missed$/); // heartbeats, one by one
  await stage.sees("unreachable", page.getByRole("list", { name: "What happened" }));
  await stage.look("lost-node");
  await stage.lab("heal 1");
  await page.getByRole("list", { name: "What happened" }).getByText("healthy").nth(1).waitFor();
  await stage.look("healed-node");
  await stage.follow("Nodes");
  await stage.sees("healthy", page.getByRole("row").filter({ hasText: "node-1" }));
  await stage.look("healed");
  if (!(await page.evaluate(() => window.neverLoadedAgain))) throw new Error("the page was loaded again");
});
