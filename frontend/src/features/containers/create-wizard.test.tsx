import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { cluster, egg, emptyWorld, node, smallWorld, uuid } from "@/mock/fixtures";
import { open } from "@/mock/harness";

afterEach(() => vi.unstubAllGlobals());

const heading = (name: string) => screen.findByRole("heading", { name, level: 2 });
const goOn = () => screen.getByRole("button", { name: "Continue" });
const fresh = `/containers/new?egg=${uuid(3, 1)}`;

it("goes by the keyboard from the egg to the container, and tells where one is", async () => {
  const { user, world } = open("/containers/new");
  await user.type(await screen.findByLabelText("Search eggs"), "web{Enter}");
  await user.type(screen.getByLabelText("Name"), "made-by-keys{Enter}");
  expect(await heading("Variables")).toHaveFocus();
  const progress = within(screen.getByRole("navigation", { name: "Steps" }));
  expect(progress.getByText("Variables").closest("li")).toHaveAttribute("aria-current", "step");
  expect(progress.getByRole("link", { name: "Egg" })).toBeVisible();
  expect(progress.queryByRole("link", { name: "Ports" })).toBeNull();
  for (const next of ["Resources", "Ports", "High availability", "Review"]) {
    await user.keyboard("{Enter}");
    expect(await heading(next)).toHaveFocus();
  }
  await user.keyboard("{Enter}"); // looking through is no consent
  expect(world.containers.map((c) => c.name)).not.toContain("made-by-keys");
  await user.click(screen.getByRole("button", { name: "Create container" }));
  expect(await screen.findByRole("heading", { name: "made-by-keys" })).toBeVisible();
});

it("does not go on from what is wrong, and keeps what was typed on the way back", async () => {
  const { user, controller } = open(fresh);
  await user.type(await screen.findByLabelText("Name"), "-web{Enter}");
  expect(await screen.findByText(/"-web" cannot be a name/)).toBeVisible();
  await user.clear(screen.getByLabelText("Name"));
  await user.type(screen.getByLabelText("Name"), "web-3{Enter}");

  const port = await screen.findByLabelText("Port");
  await user.clear(port);
  await user.type(port, "eighty{Enter}");
  expect(await screen.findByText("Port: must be a whole number")).toBeVisible();
  expect(port).toHaveAttribute("aria-invalid", "true");
  await user.clear(port);
  await user.type(port, "81{Enter}");
  await heading("Resources");
  await user.click(screen.getByRole("button", { name: "Back" }));
  expect(await screen.findByLabelText("Port")).toHaveValue("81");
  history.back();
  await heading("Resources");
  await user.click(screen.getByRole("link", { name: "Egg" }));
  expect(await screen.findByLabelText("Name")).toHaveValue("web-3");
  expect(controller.requests).not.toContain("POST /containers");
});

it("leads back to the step that the controller's fault is about", async () => {
  const { user, world } = open(fresh);
  await user.type(await screen.findByLabelText("Name"), "web-front");
  for (const next of ["Variables", "Resources", "Ports", "High availability", "Review"]) {
    await user.click(goOn());
    await heading(next);
  }
  await user.click(screen.getByRole("button", { name: "Create container" }));
  expect(await screen.findByText("this name is taken")).toBeVisible();
  expect(await heading("Egg")).toHaveFocus();
  expect(screen.getByRole("alert")).toHaveTextContent("Some fields need attention.");
  const name = screen.getByLabelText("Name");
  expect(name).toHaveAttribute("aria-invalid", "true");

  await user.type(name, "-2{Enter}");
  await heading("Variables");
  expect(screen.queryByRole("alert")).toBeNull();
  for (const next of ["Resources", "Ports", "High availability", "Review"]) {
    await user.click(goOn());
    await heading(next);
  }
  await user.click(screen.getByRole("button", { name: "Create container" }));
  expect(await screen.findByRole("heading", { name: "web-front-2" })).toBeVisible();
  expect(world.containers.at(-1)?.name).toBe("web-front-2");
});

it("says before it sends that it fits nowhere, and offers no node that cannot take it", async () => {
  const world = { ...smallWorld(), clusters: [cluster({ id: "c1", name: "depot" })] };
  world.nodes = [
    node({ id: "n1", name: "large", cluster_id: "c1" }),
    node({ id: "n2", name: "small", capacity: { cpu: 1, memory: "1g", disk: "9g" } }),
  ];
  const { user } = open(fresh, { world });
  await user.type(await screen.findByLabelText("Name"), "web-4{Enter}");
  await heading("Variables");
  await user.click(goOn());
  const memory = await screen.findByLabelText("Memory");
  expect(await screen.findByRole("radio", { name: /small/ })).toBeEnabled();
  await user.clear(memory);
  await user.type(memory, "2g");
  await waitFor(() => expect(screen.getByRole("radio", { name: /small lacks memory/ })).toBeDisabled());
  expect(screen.getByText("room on 1 of 1")).toBeVisible();
  expect(screen.queryByText(/No node can take this/)).toBeNull();
  await user.clear(memory);
  await user.type(memory, "20g");
  expect(await screen.findByText(/Of 2, 2 lack memory \(20g wanted, largest free 5 GiB\)/)).toBeVisible();
});

it("asks for the high availability of nobody who may not have it, and for no variables where there are none", async () => {
  const world = { ...smallWorld(), eggs: [egg({ variables: [] })] };
  const grants = ["container.create", "container.view", "egg.view"].map((permission) => ({
    permission,
    scope: "global" as const,
  }));
  const { user } = open(fresh, { world, grants });
  await user.type(await screen.findByLabelText("Name"), "web-5{Enter}");
  await heading("Resources");
  expect(screen.queryByRole("radio")).toBeNull(); // no nodes are seen, none are offered
  await user.keyboard("{Enter}");
  await heading("Ports");
  await user.keyboard("{Enter}");
  await heading("Review");
});

it("says what to do where there is no egg", async () => {
  open("/containers/new", { world: emptyWorld() });
  expect(await screen.findByText("There are no eggs yet")).toBeVisible();
});
