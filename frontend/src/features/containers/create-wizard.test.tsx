import { cleanup, screen, waitFor, within } from "@testing-library/react";
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
  expect(progress.queryByRole("link", { name: "Ports and volumes" })).toBeNull();
  for (const next of ["Resources", "Ports and volumes", "High availability", "Review"]) {
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
  for (const next of ["Variables", "Resources", "Ports and volumes", "High availability", "Review"]) {
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
  for (const next of ["Resources", "Ports and volumes", "High availability", "Review"]) {
    await user.click(goOn());
    await heading(next);
  }
  await user.click(screen.getByRole("button", { name: "Create container" }));
  expect(await screen.findByRole("heading", { name: "web-front-2" })).toBeVisible();
  expect(world.containers.at(-1)?.name).toBe("web-front-2");
});

it("asks, folded away, for owner, group and volumes, and keeps them when the egg is changed", async () => {
  const startup_commands = ["plain", "modded"].map((name) => ({ name, command: `run ${name}` }));
  const volumes = [{ name: "world", container: "/world" }];
  const second = egg({ id: uuid(3, 9), name: "Two ways", startup_commands, volumes });
  const world = { ...smallWorld(), eggs: [egg(), second] };
  const { user } = open(fresh, { world });
  await user.type(await screen.findByLabelText("Name"), "web-6");
  expect(screen.queryByLabelText("Start command")).toBeNull();
  expect(screen.getByLabelText("Group")).not.toBeVisible();
  await user.click(screen.getByText("More"));
  const group = screen.getByLabelText("Group");
  await user.type(group, "we b");
  await user.click(screen.getByText("More"));
  expect(group).not.toBeVisible();
  await user.click(goOn()); // and what is wrong is seen again
  expect(await screen.findByText(/^"we b" cannot be the name of a group/)).toBeVisible();
  await user.clear(group);
  await user.type(group, "web");
  const owner = screen.getByLabelText("Owner");
  await user.type(owner, "nobody-at-all{Enter}");
  expect(await screen.findByText(/^Nobody was chosen/)).toBeVisible();
  await user.clear(owner);
  await user.type(owner, "keep");
  await user.click(await screen.findByRole("option", { name: "keeper@lormas.local" }));
  expect(screen.queryByText(/^Nobody was chosen/)).toBeNull();
  await user.click(screen.getByRole("radio", { name: "Two ways" }));
  await user.selectOptions(screen.getByLabelText("Start command"), "modded");
  expect(screen.getByText("run modded")).toBeVisible();

  for (const next of ["Variables", "Resources", "Ports and volumes"]) {
    await user.click(goOn());
    await heading(next);
  }
  await user.click(screen.getByText("More volumes"));
  const field = screen.getByLabelText("Volumes");
  await user.type(field, "cache:/cache:ro{Enter}/far/data:/world");
  for (const next of ["High availability", "Review"]) {
    await user.click(goOn());
    await heading(next);
  }
  for (const told of [
    "modded",
    "keeper@lormas.local",
    "web",
    "cache → /cache, read-only",
    "/far/data → /world",
  ])
    expect(screen.getByText(told)).toBeVisible();
  expect(screen.queryByText("world → /world")).toBeNull(); // replaced

  await user.click(screen.getByRole("button", { name: "Create container" }));
  expect(await heading("Ports and volumes")).toHaveFocus();
  expect(screen.getByText("the node has no such path")).toBeVisible();
  await user.clear(screen.getByLabelText("Volumes"));
  await user.click(screen.getByRole("link", { name: "Egg" }));
  await heading("Egg");
  expect(screen.getByLabelText("Group")).toBeVisible();
  expect(screen.getByLabelText("Group")).toHaveValue("web");
  expect(screen.getByLabelText("Owner")).toHaveValue("keeper@lormas.local");
  expect(screen.getByLabelText("Start command")).toHaveValue("modded");
  for (const next of ["Variables", "Resources", "Ports and volumes", "High availability", "Review"]) {
    await user.click(goOn());
    await heading(next);
  }
  await user.click(screen.getByRole("button", { name: "Create container" }));
  await screen.findByRole("heading", { name: "web-6" });
  expect(world.containers.at(-1)).toMatchObject({ group: "web", ownerId: uuid(7, 2), volumes: [] });
});

it("offers another owner only to who may give containers away, and then only nodes where he may", async () => {
  const world = {
    ...smallWorld(),
    nodes: [node({ id: "n1", name: "here" }), node({ id: "n2", name: "there" })],
  };
  const everywhere = (permission: string) => ({ permission, scope: "global" as const });
  const grants = ["container.create", "container.view", "egg.view", "node.view", "user.view"].map(everywhere);
  const first = open(fresh, { world, grants });
  await first.user.click(await screen.findByText("More"));
  expect(screen.getByLabelText("Group")).toBeVisible();
  expect(screen.queryByLabelText("Owner")).toBeNull();
  cleanup();

  const assign = { permission: "container.assign", scope: "node" as const, scopeId: "n1" };
  const { user } = open(fresh, { world, grants: [...grants, assign] });
  await user.type(await screen.findByLabelText("Name"), "web-7");
  await user.click(screen.getByText("More"));
  await user.type(screen.getByLabelText("Owner"), "keeper@lormas.local");
  await screen.findByRole("option", { name: "keeper@lormas.local" });
  for (const next of ["Variables", "Resources"]) {
    await user.click(goOn());
    await heading(next);
  }
  expect(await screen.findByRole("radio", { name: /here/ })).toBeVisible();
  expect(screen.queryByRole("radio", { name: /there/ })).toBeNull();
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
  await heading("Ports and volumes");
  await user.keyboard("{Enter}");
  await heading("Review");
});

it("says what to do where there is no egg", async () => {
  open("/containers/new", { world: emptyWorld() });
  expect(await screen.findByText("There are no eggs yet")).toBeVisible();
});
