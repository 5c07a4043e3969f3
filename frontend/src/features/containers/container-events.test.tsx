import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { uuid } from "@/mock/fixtures";
import { open } from "@/mock/harness";

afterEach(() => vi.unstubAllGlobals());

const timeline = async () => within(await screen.findByRole("list", { name: "What happened" }));

it("shows a crash when it comes, with its reason, and keeps it when the next thing happens", async () => {
  const { tell, live } = open(`/containers/${uuid(2, 1)}`);
  await live();
  const list = await timeline();
  expect(await list.findByText("container.restart")).toBeVisible();
  const state = {
    type: "container_state",
    containerId: uuid(2, 1),
    nodeId: uuid(1, 1),
    name: "web-front",
    power: "running",
    epoch: 1,
    generation: 1,
    migration_status: "idle",
  };
  await tell(`containers/${uuid(2, 1)}/state`, { ...state, phase: "crashed", reason: "exit code 3" });
  expect(await list.findByText("exit code 3")).toBeVisible();
  await tell(`containers/${uuid(2, 1)}/state`, { ...state, phase: "running" });
  await waitFor(() => expect(list.getAllByText("running")).toHaveLength(2));
  expect(list.getByText("exit code 3")).toBeVisible();
});

it("says how old it is what a silent node has said", async () => {
  open(`/containers/${uuid(2, 5)}`);
  expect(await screen.findByText(/van-12 is unreachable. This is what it last said/)).toHaveTextContent(
    "21 min ago",
  );
});
