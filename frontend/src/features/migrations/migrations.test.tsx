import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { migration, uuid, type World } from "@/mock/fixtures";
import { open } from "@/mock/harness";

afterEach(() => vi.unstubAllGlobals());

const page = `/containers/${uuid(2, 1)}`;
const dialog = async () => within(await screen.findByRole("dialog"));

describe("migrating by hand", () => {
  it("shows where it could go, says what the server refuses, and can be called off", async () => {
    const { user, world } = open(page);
    world.nodes.push({ ...(world.nodes[0] as (typeof world.nodes)[0]), id: uuid(1, 9), name: "depot-2" });
    await user.click(await screen.findByRole("button", { name: "Migrate" }));
    const form = await dialog();
    expect(form.getByRole("radio", { name: /depot-1 it is here now/ })).toBeDisabled();
    expect(form.getByRole("radio", { name: /van-12 is unreachable/ })).toBeDisabled();
    await user.click(form.getByRole("radio", { name: /depot-2 free: 2.5 cores/ }));
    await user.click(form.getByRole("button", { name: "Migrate" }));
    expect(await form.findByText("what is in its volumes stays on its node")).toBeVisible();

    await user.click(form.getByRole("checkbox", { name: "Leave behind what is in its own volumes" }));
    await user.click(form.getByRole("button", { name: "Migrate" }));
    expect(await screen.findByText(/Moving: depot-1 → depot-2/)).toBeVisible();
    await waitFor(() => expect(screen.queryByRole("button", { name: "Migrate" })).toBeNull());

    await user.click(screen.getByRole("button", { name: "Cancel the move" }));
    await user.click((await dialog()).getByRole("button", { name: "Cancel the move" }));
    await waitFor(() => expect(screen.queryByText(/Moving:/)).toBeNull());
    expect(screen.getAllByText("cancelled")[0]).toBeVisible();
  });

  it("is not offered to who may only look", async () => {
    const look = ["container.view", "node.view", "migration.view"];
    open(page, { grants: look.map((permission) => ({ permission, scope: "global" as const })) });
    expect(await screen.findByRole("table", { name: "Moves" })).toBeVisible();
    expect(screen.queryByRole("button", { name: "Migrate" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Roll back" })).toBeNull();
  });

  it("shows a move that another began, without being asked", async () => {
    const { tell, live, world } = open(page);
    await live();
    await screen.findByRole("table", { name: "Moves" });
    const { toEpoch: _, ...begun } = { ...(world.migrations[0] as (typeof world.migrations)[0]) };
    world.migrations.unshift({ ...begun, id: uuid(8, 2), state: "queued", waiting: "no node has room" });
    const at = new Date().toISOString();
    await tell("events", { type: "event", kind: "migration", at, containerId: uuid(2, 1), state: "queued" });
    expect(await screen.findByText("no node has room", {}, { timeout: 4000 })).toBeVisible();
  });
});

describe("while a container moves", () => {
  const begin = (world: World) => {
    const { finishedAt: _, ...begun } = { ...migration({ id: uuid(8, 2), state: "stopping" }) };
    world.migrations.unshift(begun);
  };

  it("says by which migration, leads there, and keeps what was typed", async () => {
    const { user, world, tell, live } = open(page);
    await live();
    const environment = within(await screen.findByRole("region", { name: "Environment" }));
    await user.click(await environment.findByRole("button", { name: "Change" }));
    const form = await dialog();
    await user.clear(form.getByLabelText("GREETING"));
    await user.type(form.getByLabelText("GREETING"), "typed before");
    begin(world);
    await tell(`containers/${uuid(2, 1)}/state`, {
      type: "container_state",
      containerId: uuid(2, 1),
      nodeId: uuid(1, 1),
      name: "web-front",
      power: "running",
      phase: "running",
      epoch: 1,
      generation: 2,
      migration_status: "migrating",
    });
    const at = new Date().toISOString();
    await tell("events", {
      type: "event",
      kind: "migration",
      at,
      containerId: uuid(2, 1),
      state: "stopping",
    });
    await waitFor(() => expect(screen.queryByText("Migrate")).toBeNull());
    await user.click(form.getByRole("button", { name: "Apply" }));
    const link = await form.findByRole("link", { name: `migration ${uuid(8, 2)}` });
    expect(link.closest("p")).toHaveTextContent(/being moved by migration .*, which is stopping: wait/);
    expect(form.getByLabelText("GREETING")).toHaveValue("typed before");

    await user.click(link);
    await waitFor(() => expect(location.pathname + location.hash).toBe(`${page}#${uuid(8, 2)}`));
    expect(await screen.findByText(/Moving: /)).toBeInTheDocument();
  });
});
