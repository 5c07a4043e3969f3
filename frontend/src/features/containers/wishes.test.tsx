import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { uuid } from "@/mock/fixtures";
import { open } from "@/mock/harness";
import { problem } from "@/mock/rest";

afterEach(() => vi.unstubAllGlobals());

/** Holds back what is asked of containers, until the test says how it is answered. */
function holdBack({ controller }: ReturnType<typeof open>) {
  let settle: (refusal?: Response) => void = () => {};
  const settled = new Promise<Response | undefined>((resolve) => {
    settle = resolve;
  });
  vi.stubGlobal("fetch", async (request: Request) => {
    const refusal = /\/(start|stop)$/.test(request.url) ? await settled : undefined;
    return refusal ?? controller.fetch(request);
  });
  return settle;
}

const onLostNode = `/containers/${uuid(2, 5)}`;

it("shows at once what one wants, and as queued only when the controller has said so", async () => {
  const page = open(onLostNode);
  const stop = await screen.findByRole("button", { name: "Stop" });
  const settle = holdBack(page);
  await page.user.click(stop);
  expect(await screen.findByText(/You want it stopped\. The controller has not answered/)).toBeVisible();
  expect(screen.queryByText(/Queued/)).toBeNull();
  settle();
  expect(await screen.findByText(/Should be stopped\. Queued: van-12 is unreachable/)).toBeVisible();
  await waitFor(() => expect(screen.queryByText(/You want it/)).toBeNull());
});

it("takes back what was refused", async () => {
  const page = open(onLostNode);
  const stop = await screen.findByRole("button", { name: "Stop" });
  const settle = holdBack(page);
  await page.user.click(stop);
  await screen.findByText(/You want it stopped/);
  settle(problem(409, "conflict", "it is being moved"));
  expect(await screen.findByText("it is being moved")).toBeVisible();
  await waitFor(() => expect(screen.queryByText(/You want it/)).toBeNull());
  expect(screen.queryByText(/Should be stopped/)).toBeNull();
});

it("shows in the list what is asked of many", async () => {
  const page = open("/containers");
  await page.user.click(await screen.findByRole("checkbox", { name: "Choose web-front" }));
  const settle = holdBack(page);
  await page.user.click(screen.getByRole("button", { name: "Stop (1)" }));
  await page.user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Stop (1)" }));
  const row = () => screen.getByRole("checkbox", { name: "Choose web-front" }).closest("tr") as HTMLElement;
  await waitFor(() => expect(within(row()).getAllByText("asking: stopped")[0]).toBeVisible());
  expect(within(row()).getAllByText("running")[0]).toBeVisible();
  settle();
  await waitFor(() => expect(within(row()).getAllByText("stopped")[0]).toBeVisible());
  expect(within(row()).queryByText(/asking/)).toBeNull();
});
