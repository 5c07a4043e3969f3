import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { keys, queryClient } from "@/api/queries";
import { emptyWorld, uuid } from "@/mock/fixtures";
import { open } from "@/mock/harness";

afterEach(() => vi.unstubAllGlobals());

const row = async (name: string) => {
  const link = await screen.findByRole("link", { name });
  const found = link.closest("tr");
  if (!found) throw new Error(`${name} is in no row`);
  return within(found);
};

describe("signing in", () => {
  it("says what is wrong and lets in who is right", async () => {
    const { user } = open("/nodes", { signedIn: false });
    await user.type(await screen.findByLabelText("Email"), "admin@lormas.local");
    await user.type(screen.getByLabelText("Password"), "nonsense{Enter}");
    expect(await screen.findByRole("alert")).toHaveTextContent("the password is not right");

    await user.clear(screen.getByLabelText("Password"));
    await user.type(screen.getByLabelText("Password"), "admin123{Enter}");
    expect(await screen.findByRole("heading", { name: "Nodes" })).toBeVisible();
  });

  it("asks for the code of a second factor once the password is right", async () => {
    const { user } = open("/nodes", { signedIn: false, secondFactor: true });
    await user.type(await screen.findByLabelText("Email"), "admin@lormas.local");
    expect(screen.queryByLabelText("Code")).toBeNull();
    await user.type(screen.getByLabelText("Password"), "admin123{Enter}");
    const code = await screen.findByLabelText("Code");
    expect(code).toHaveFocus();
    expect(screen.queryByRole("alert")).toBeNull();
    await user.type(code, "654321{Enter}");
    expect(await screen.findByRole("alert")).toHaveTextContent("the code is not right");
    await user.clear(code);
    await user.type(code, "123456{Enter}");
    expect(await screen.findByRole("heading", { name: "Nodes" })).toBeVisible();
  });

  it("asks for a new password before anything else", async () => {
    const { user } = open("/nodes", { mustChangePassword: true });
    await user.type(await screen.findByLabelText("Current password"), "wrong one");
    await user.type(screen.getByLabelText("New password"), "correct horse");
    await user.type(screen.getByLabelText("New password again"), "correct house{Enter}");
    expect(await screen.findByText("The two are not the same.")).toBeVisible();
    expect(screen.queryByRole("navigation")).toBeNull();

    await user.clear(screen.getByLabelText("New password again"));
    await user.type(screen.getByLabelText("New password again"), "correct horse{Enter}");
    expect(await screen.findByText("this is not your present password")).toBeVisible();

    await user.clear(screen.getByLabelText("Current password"));
    await user.type(screen.getByLabelText("Current password"), "admin123{Enter}");
    expect(await screen.findByRole("heading", { name: "Nodes" })).toBeVisible();
  });

  it("sets a password with a one-time link", async () => {
    const { user, controller } = open("/reset#token=abc123", { signedIn: false });
    await user.type(await screen.findByLabelText("New password"), "short{Enter}");
    expect(await screen.findByText("Use at least 10 characters.")).toBeVisible();
    await user.clear(screen.getByLabelText("New password"));
    await user.type(screen.getByLabelText("New password"), "correct horse");
    await user.type(screen.getByLabelText("New password again"), "correct horse{Enter}");
    expect(await screen.findByText("Your password is set. Sign in with it.")).toBeVisible();
    expect(controller.requests).toContain("POST /auth/password-reset");
  });

  it("says when a one-time link is worth nothing", async () => {
    const { user } = open("/reset#token=used", { signedIn: false });
    await user.type(await screen.findByLabelText("New password"), "correct horse");
    await user.type(screen.getByLabelText("New password again"), "correct horse{Enter}");
    expect(await screen.findByRole("alert")).toHaveTextContent("ask an administrator for a new one");
  });

  it("keeps the page and its address when the session ends", async () => {
    const { user, controller } = open(`/containers?q=web`);
    await screen.findByRole("link", { name: "web-front" });
    await user.click(screen.getAllByRole("button", { name: "Sign out" })[0] as HTMLElement);
    expect(await screen.findByLabelText("Password")).toBeVisible();
    expect(controller.requests).toContain("POST /auth/logout");
    expect(location.pathname + location.search).toBe("/containers?q=web");
  });

  it("offers to try again when the controller does not answer", async () => {
    const { controller, user } = open("/nodes");
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("refused")));
    expect(await screen.findByRole("alert")).toHaveTextContent("The controller does not answer");
    vi.stubGlobal("fetch", controller.fetch);
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("heading", { name: "Nodes" })).toBeVisible();
  });
});

describe("live", () => {
  const health = (state: string, since: string) => ({
    type: "health",
    nodeId: uuid(1, 1),
    status: "healthy",
    state,
    since,
    reason: "connection lost",
  });

  it("changes a node without asking, and never back to an older state", async () => {
    const { tell, live, controller } = open("/nodes");
    await live();
    const asked = () => controller.requests.filter((r) => r === "GET /nodes").length;
    await waitFor(() => expect(asked()).toBeGreaterThan(0));
    const before = asked();

    await tell(`nodes/${uuid(1, 1)}/health`, health("suspect", new Date().toISOString()));
    const depot = await row("depot-1");
    await waitFor(() => expect(depot.getAllByText("suspect")[0]).toBeInTheDocument());
    await tell(`nodes/${uuid(1, 1)}/health`, health("returning", "2020-01-01T00:00:00Z"));
    await tell(`nodes/${uuid(1, 2)}/health`, {
      ...health("returning", new Date().toISOString()),
      nodeId: uuid(1, 2),
    });
    const van = await row("van-12");
    await waitFor(() => expect(van.getAllByText("returning")[0]).toBeInTheDocument());
    expect(depot.getAllByText("suspect")[0]).toBeInTheDocument();
    expect(asked()).toBe(before);
  });

  it("lays news over a snapshot that was read before them and arrives after", async () => {
    const { controller, tell, live } = open(`/nodes`);
    await live();
    await row("depot-1");
    let answer = () => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    vi.stubGlobal("fetch", async (request: Request) => {
      const response = await controller.fetch(request);
      if (request.url.includes("/nodes")) await held;
      return response;
    });
    const reading = queryClient.invalidateQueries({ queryKey: keys.nodeLists });
    await tell(`nodes/${uuid(1, 1)}/health`, health("suspect", new Date().toISOString()));
    answer();
    await reading;
    expect((await row("depot-1")).getAllByText("suspect")[0]).toBeInTheDocument();
  });

  it("says so when it is cut off, and reads the snapshot anew when it is back", async () => {
    const { broker, live, controller } = open("/nodes");
    await live();
    const before = controller.requests.length;
    broker.drop();
    expect((await screen.findAllByText("Reconnecting…")).length).toBeGreaterThan(0);
    await live();
    await waitFor(() => expect(controller.requests.slice(before)).toContain("GET /nodes"));
  });

  it("turns the add-node dialog green when the agent arrives", async () => {
    const { user, tell, live, world } = open("/nodes?add=1", { stepMs: 1e6 });
    await live();
    await user.type(await screen.findByLabelText("Name"), "van-13");
    await user.click(screen.getByRole("button", { name: "Get the command" }));
    expect(await screen.findByText(/lormas-agent .*--token/)).toBeVisible();
    expect(screen.getByText("Waiting for the agent…")).toBeVisible();
    const id = world.nodes.at(-1)?.id;
    await waitFor(() => expect(world.nodes.at(-1)?.name).toBe("van-13"));
    await tell(`nodes/${id}/health`, {
      ...health("healthy", new Date(Date.now() + 1).toISOString()),
      nodeId: id,
    });
    expect(await screen.findByText("van-13 has joined")).toBeVisible();
  });
});

describe("containers", () => {
  it("show what is queued for a node that cannot be reached as queued", async () => {
    const { user } = open(`/containers/${uuid(2, 5)}`);
    expect((await screen.findAllByText("last seen running"))[0]).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Stop" }));
    expect(await screen.findByText(/Should be stopped. Queued: van-12 is unreachable/)).toBeVisible();
    expect(screen.queryByRole("button", { name: "Stop" })).toBeNull();
    expect(screen.getByRole("button", { name: "Start" })).toBeVisible();
    const receipts = (await screen.findAllByRole("list", { name: "stop" }))[0] as HTMLElement;
    expect(within(receipts).getByText("queued").closest("li")).toHaveAttribute("aria-current", "step");
  });

  it("ask before they are deleted", async () => {
    const { user, controller } = open(`/containers/${uuid(2, 7)}`);
    await user.click(await screen.findByRole("button", { name: "Delete" }));
    const dialog = await screen.findByRole("dialog", { name: "Delete nightly-report?" });
    expect(controller.requests.some((r) => r.startsWith("DELETE"))).toBe(false);
    await user.click(within(dialog).getByRole("button", { name: "Delete" }));
    await waitFor(() => expect(controller.requests).toContain(`DELETE /containers/${uuid(2, 7)}`));
  });

  it("keep their filter in the URL", async () => {
    const { user } = open("/containers?phase=crashed");
    expect(await screen.findByRole("link", { name: "mqtt-bridge" })).toBeVisible();
    expect(screen.queryByRole("link", { name: "web-front" })).toBeNull();
    await user.selectOptions(screen.getByLabelText("State"), "Any state");
    await user.type(screen.getByLabelText("Filter by name"), "van");
    expect(await screen.findByRole("link", { name: "van-tracker" })).toBeVisible();
    expect(location.search).toBe("?q=van");
  });
});

it("says what to do next where there is nothing yet", async () => {
  open("/containers", { world: emptyWorld() });
  expect(await screen.findByText(/First add a node/)).toBeVisible();
  expect(screen.getByRole("link", { name: "Add node" })).toHaveAttribute("href", "/nodes?add=1");
});

describe("who may little", () => {
  it("sees no button that would be refused, and no place", async () => {
    open(`/containers/${uuid(2, 1)}`, {
      grants: [
        { permission: "container.view", scope: "global" },
        { permission: "container.stop", scope: "container", scopeId: uuid(2, 1) },
      ],
    });
    expect(await screen.findByRole("button", { name: "Stop" })).toBeVisible();
    for (const name of ["Restart", "Kill", "Delete"])
      expect(screen.queryByRole("button", { name })).toBeNull();
    expect(screen.queryByRole("log")).toBeNull();
    expect(screen.queryByRole("link", { name: "Audit" })).toBeNull();
    expect(screen.getAllByRole("link", { name: "Containers" })).not.toHaveLength(0);
  });

  it("writes to a console where that is allowed", async () => {
    const { user, controller } = open(`/containers/${uuid(2, 1)}`);
    await user.type(await screen.findByLabelText("Command"), "say hello{Enter}");
    await waitFor(() => expect(screen.getByLabelText("Command")).toHaveValue(""));
    expect(controller.requests).toContain(`POST /containers/${uuid(2, 1)}/command`);
    await user.keyboard("{ArrowUp}");
    expect(screen.getByLabelText("Command")).toHaveValue("say hello");
  });
});

describe("eggs", () => {
  it("are looked at before they are imported, each with what is wrong with it", async () => {
    const { user, world } = open("/eggs/import");
    const file = (name: string, text: string) => new File([text], name, { type: "application/json" });
    const input = (await screen.findAllByLabelText("Choose files")).find((at) => at.tagName === "INPUT");
    await user.upload(input as HTMLElement, [
      file("game.json", '{"name": "Game"}'),
      file("broken.json", "{}"),
    ]);
    expect(await screen.findByText("line 1, name")).toBeVisible();
    expect(screen.getByText("an egg needs a name", { exact: false })).toBeVisible();
    expect(world.eggs.map((egg) => egg.name)).not.toContain("Game");
    await user.click(screen.getByRole("button", { name: "Import 1 egg" }));
    expect(await screen.findByRole("link", { name: "Game" })).toBeVisible();
    expect(world.eggs.map((egg) => egg.name)).toContain("Game");
  });
});

it("goes anywhere by the keyboard alone", async () => {
  const { user } = open("/nodes");
  await screen.findByRole("heading", { name: "Nodes" });
  await user.keyboard("{Control>}k{/Control}");
  await user.type(await screen.findByRole("combobox", { name: "Name" }), "audit{Enter}");
  expect(await screen.findByRole("heading", { name: "Audit" })).toBeVisible();
  expect(screen.queryByRole("dialog")).toBeNull();
});
