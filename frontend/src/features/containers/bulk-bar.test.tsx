import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { open } from "@/mock/harness";

afterEach(() => vi.unstubAllGlobals());

const choose = (name: string) => screen.findByRole("checkbox", { name: `Choose ${name}` });

it("asks for all that are chosen, and reports row by row", async () => {
  const { user, controller } = open("/containers");
  await user.click(await choose("web-front"));
  await user.click(await choose("nightly-report")); // is stopped already
  expect(screen.getByText("2 chosen")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Stop (1)" }));
  await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Stop (1)" }));
  expect(await screen.findByText("Stop: 1 of 1 asked for")).toBeVisible();
  expect(controller.requests.filter((r) => r.endsWith("/stop"))).toHaveLength(1);

  await user.click(screen.getByRole("button", { name: "Migrate (2)" }));
  await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Migrate (2)" }));
  expect(await screen.findByText("Migrate: 0 of 2 asked for, 2 refused")).toBeVisible();
  expect(screen.getAllByText("what is in its volumes stays on its node")).toHaveLength(2);
});

it("does nothing to what the filter hides", async () => {
  const { user } = open("/containers");
  await user.click(await screen.findByRole("checkbox", { name: "Choose all that are shown" }));
  expect(screen.getByText("8 chosen")).toBeVisible();
  await user.type(screen.getByRole("searchbox"), "van");
  expect(await screen.findByText("2 chosen")).toBeVisible();
  await user.clear(screen.getByRole("searchbox"));
  await user.type(screen.getByRole("searchbox"), "nothing like it");
  expect(await screen.findByText("Nothing matches the filter")).toBeVisible();
});

it("keeps the order in the address", async () => {
  const { user } = open("/containers");
  await screen.findByRole("link", { name: "web-front" });
  await user.selectOptions(screen.getByLabelText("Sort by"), "Name, from the end");
  await waitFor(() => expect(screen.getAllByRole("row")[1]).toHaveTextContent("web-front"));
  expect(location.search).toBe("?sort=-name");
});

it("lets who may only look choose nothing", async () => {
  const grants = ["container.view", "node.view"].map((permission) => ({
    permission,
    scope: "global" as const,
  }));
  open("/containers", { grants });
  await screen.findByRole("link", { name: "web-front" });
  expect(screen.queryByRole("checkbox")).toBeNull();
});
