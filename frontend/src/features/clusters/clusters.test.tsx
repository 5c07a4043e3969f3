import { screen, waitFor, within } from "@testing-library/react";
import type { UserEvent } from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import { open } from "@/mock/harness";

afterEach(() => vi.unstubAllGlobals());

async function put(user: UserEvent, cluster: string) {
  await user.click(await screen.findByRole("button", { name: `Put a node in ${cluster}` }));
  const form = within(await screen.findByRole("dialog"));
  await user.type(form.getByLabelText("Node"), "van");
  await user.click(await form.findByRole("option", { name: "van-12" }));
  await user.click(form.getByRole("button", { name: "Put it in" }));
}

it("adds a cluster, puts a node in it, and says why it cannot be removed then", async () => {
  const { user } = open("/clusters");
  await user.click(await screen.findByRole("button", { name: "Add cluster" }));
  const form = within(await screen.findByRole("dialog"));
  await user.type(form.getByLabelText("Name"), "depot{Enter}");
  expect(await form.findByText("this name is taken")).toBeVisible();
  await user.clear(form.getByLabelText("Name"));
  await user.type(form.getByLabelText("Name"), "vans{Enter}");
  expect(await screen.findByRole("heading", { name: "vans" })).toBeVisible();

  await put(user, "vans");
  expect(await screen.findByRole("link", { name: "van-12" })).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Remove vans" }));
  await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Remove" }));
  expect(await screen.findByText(/put them into another first/)).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Remove depot" }));
  await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Remove" }));
  await waitFor(() => expect(screen.queryByRole("heading", { name: "depot" })).toBeNull());
});

it("edits a cluster, and does not undo what somebody else changed meanwhile", async () => {
  const { user, world } = open("/clusters");
  await user.click(await screen.findByRole("button", { name: "Edit depot" }));
  const form = within(await screen.findByRole("dialog"));
  await user.clear(form.getByLabelText("Name"));
  await user.type(form.getByLabelText("Name"), "hall");
  await user.selectOptions(form.getByLabelText("How fast a silent node is given up"), "custom");
  await user.clear(form.getByLabelText("Given up after"));
  await user.click(form.getByRole("button", { name: "Save" }));
  expect(await form.findByText("Give a time, such as 30s or 10m.")).toBeVisible();
  await user.type(form.getByLabelText("Given up after"), "12s");
  for (const c of world.clusters) c.generation++;
  await user.click(form.getByRole("button", { name: "Save" }));
  expect(await form.findByText(/somebody changed it/)).toBeVisible();
  expect(world.clusters[0]).toMatchObject({ name: "depot", profile: "standard" });

  await user.click(form.getByRole("button", { name: "Cancel" }));
  await user.click(screen.getByRole("button", { name: "Edit depot" }));
  const again = within(await screen.findByRole("dialog"));
  await user.clear(again.getByLabelText("Name"));
  await user.type(again.getByLabelText("Name"), "hall{Enter}");
  expect(await screen.findByRole("heading", { name: "hall" })).toBeVisible();
});

it("takes a node out of its cluster", async () => {
  const { user, world } = open("/clusters");
  await put(user, "depot");
  await user.click(await screen.findByRole("button", { name: "Take van-12 out of depot" }));
  await waitFor(() => expect(screen.queryByRole("link", { name: "van-12" })).toBeNull());
  expect(world.nodes.filter((n) => n.cluster_id)).toEqual([]);
});

it("lets who may only look change nothing", async () => {
  const grants = ["cluster.view", "node.view"].map((permission) => ({
    permission,
    scope: "global" as const,
  }));
  open("/clusters", { grants });
  await screen.findByRole("heading", { name: "depot" });
  expect(screen.queryByRole("button", { name: /Remove|Add|Edit|Take|Put/ })).toBeNull();
});
