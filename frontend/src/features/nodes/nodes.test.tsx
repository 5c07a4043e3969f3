import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { node, uuid } from "@/mock/fixtures";
import { open } from "@/mock/harness";
import { verbsFor } from "./node-verbs";

afterEach(() => vi.unstubAllGlobals());

const dialog = async () => within(await screen.findByRole("dialog"));
const healthy = `/nodes/${uuid(1, 1)}`;
const lost = `/nodes/${uuid(1, 2)}`;

describe("what can be asked of a node", () => {
  it("is not to vouch for the death of one that is heard", () => {
    expect(verbsFor(node())).not.toContain("dead");
    expect(verbsFor(node({ state: "unhealthy" }))).toContain("dead");
  });

  it("is to end a quarantine, and not to uncordon in the middle of a drain", () => {
    expect(verbsFor(node({ quarantined: true }))).toContain("uncordon");
    const drain = { jobId: uuid(4, 1), deadline: "2026-01-01T00:00:00Z", includeStandard: false };
    expect(verbsFor(node({ cordoned: true, drain }))).toEqual(["edit", "rotate", "revoke", "remove"]);
  });
});

describe("a node's page", () => {
  it("drains with a time that makes sense, shows how far it is, and cancels", async () => {
    const { user, controller } = open(healthy);
    await user.click(await screen.findByRole("button", { name: "Drain" }));
    const form = await dialog();
    await user.clear(form.getByLabelText("Time"));
    await user.type(form.getByLabelText("Time"), "0");
    await user.click(form.getByRole("button", { name: "Drain" }));
    expect(await form.findByText("Give the minutes, from 1 to 1440.")).toBeVisible();
    expect(controller.requests.some((r) => r.startsWith("POST /nodes"))).toBe(false);

    await user.type(form.getByLabelText("Time"), "{Backspace}15");
    await user.click(form.getByRole("button", { name: "Drain" }));
    expect(await screen.findByText("2 of 5 containers have left")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Cancel the drain" }));
    await waitFor(() => expect(screen.queryByText("It is being drained.")).toBeNull());
    expect(screen.getByText("It is cordoned: given nothing new.")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Uncordon" }));
    await waitFor(() => expect(screen.queryByText("It is cordoned: given nothing new.")).toBeNull());
  });

  it("shows what led to the loss of a node", async () => {
    open(lost);
    const strip = await screen.findByRole("img", {
      name: /States in the last 6 hours: .*unreachable 21 min/,
    });
    expect(strip).toBeVisible();
    expect((await screen.findAllByText("no heartbeat for 30 s")).length).toBeGreaterThan(0);
  });

  it("gives a new credential that is shown once", async () => {
    const { user } = open(healthy);
    await user.click(await screen.findByRole("button", { name: "New credential" }));
    await user.click((await dialog()).getByRole("button", { name: "New credential" }));
    expect(await screen.findByText(/mock\.second/)).toBeVisible();
    await user.keyboard("{Escape}"); // not to be lost by a slip
    expect(screen.getByText(/mock\.second/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Done" }));
    expect(screen.queryByText(/mock\.second/)).toBeNull();
  });

  it("offers nothing to who may only look", async () => {
    const look = ["node.view", "node.health.view", "container.view"];
    open(lost, { grants: look.map((permission) => ({ permission, scope: "global" as const })) });
    expect(await screen.findByRole("img", { name: /States in the last/ })).toBeVisible();
    for (const name of ["Cordon", "Drain", "Confirm dead", "New credential"])
      expect(screen.queryByRole("button", { name })).toBeNull();
  });
});

describe("the hold", () => {
  it("is seen on every page, and released by who may", async () => {
    const { user } = open("/nodes");
    await user.click(await screen.findByRole("button", { name: "Hold failovers" }));
    const form = await dialog();
    await user.type(form.getByLabelText("Reason"), "work on the network");
    await user.click(form.getByRole("button", { name: "Hold failovers" }));
    expect(await screen.findByText(/Held by an operator: work on the network/)).toBeVisible();
    expect(screen.queryByText(/POST/)).toBeNull(); // people have a button for it

    await user.click(screen.getAllByRole("link", { name: "Containers" })[0] as HTMLElement);
    await screen.findByRole("heading", { name: "Containers" });
    expect(screen.getByText("Failovers are held")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Release" }));
    await user.click((await dialog()).getByRole("button", { name: "Release" }));
    await waitFor(() => expect(screen.queryByText("Failovers are held")).toBeNull());
  });

  it("comes by itself when the controller begins one, without a button for who may only look", async () => {
    const grants = ["fleet.view", "node.view"].map((permission) => ({
      permission,
      scope: "global" as const,
    }));
    const { tell, live, world } = open("/nodes", { grants });
    await live();
    await screen.findByRole("link", { name: "depot-1" });
    const at = new Date().toISOString();
    world.holds.push({ kind: "silence", reason: "3 of 4 nodes fell silent at once", since: at });
    await tell("events", { type: "event", kind: "fleet.hold", at, state: "silence" });
    expect(await screen.findByText(/3 of 4 nodes fell silent/, {}, { timeout: 4000 })).toBeVisible();
    expect(screen.queryByRole("button", { name: "Release" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Hold failovers" })).toBeNull();
  });
});
