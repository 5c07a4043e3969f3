import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { open } from "@/mock/harness";

afterEach(() => vi.unstubAllGlobals());

it("adds a cluster, puts a node in it, and says why it cannot be removed then", async () => {
  const { user } = open("/clusters");
  await user.click(await screen.findByRole("button", { name: "Add cluster" }));
  const form = within(await screen.findByRole("dialog"));
  await user.type(form.getByLabelText("Name"), "depot{Enter}");
  expect(await form.findByText("this name is taken")).toBeVisible();
  await user.clear(form.getByLabelText("Name"));
  await user.type(form.getByLabelText("Name"), "vans{Enter}");
  expect(await screen.findByRole("heading", { name: "vans" })).toBeVisible();

  await user.selectOptions(screen.getByLabelText("Put a node in vans"), "van-12");
  expect(await screen.findByRole("link", { name: "van-12" })).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Remove vans" }));
  await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Remove" }));
  expect(await screen.findByText(/put them into another first/)).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Remove depot" }));
  await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Remove" }));
  await waitFor(() => expect(screen.queryByRole("heading", { name: "depot" })).toBeNull());
});

it("lets who may only look change nothing", async () => {
  const grants = ["cluster.view", "node.view"].map((permission) => ({
    permission,
    scope: "global" as const,
  }));
  open("/clusters", { grants });
  await screen.findByRole("heading", { name: "depot" });
  expect(screen.queryByRole("combobox")).toBeNull();
  expect(screen.queryByRole("button", { name: /Remove|Add/ })).toBeNull();
});
