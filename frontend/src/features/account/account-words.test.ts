import { describe, expect, it } from "vitest";
import { agentOf } from "@/lib/agent";
import { shortened } from "@/lib/shortened";
import { agents } from "@/mock/fixtures";
import { requestOf } from "./new-token";
import { groupsOf, heldOf } from "./permissions";

const permission = (name: string) => ({
  permission: name,
  colons: "",
  description: "",
  changes: false,
  roles: [],
});

const all = ["node.view", "node.health.view", "container.view", "containers"].map(permission);

describe("what may be handed on", () => {
  it.each([
    ["*", ["node.view", "node.health.view", "container.view", "containers"]],
    ["node.*", ["node.view", "node.health.view"]],
    ["node.view", ["node.view"]],
    ["container.*", ["container.view"]],
    ["nothing", []],
  ])("with %s", (pattern, want) => {
    const held = heldOf(all, [{ permission: pattern, scope: "global" }]);
    expect(held.map((p) => p.permission)).toEqual(want);
  });

  it("is told by noun", () => {
    expect(groupsOf(all).map((g) => [g.noun, g.permissions.length])).toEqual([
      ["node", 2],
      ["container", 1],
      ["containers", 1],
    ]);
  });
});

it("shortens long lists only", () => {
  expect(shortened(["a", "b", "c", "d"])).toEqual({ shown: "a, b, c, d", more: 0 });
  expect(shortened(["a", "b", "c", "d", "e"])).toEqual({ shown: "a, b, c", more: 2 });
});

it("asks for a token that ends, or for one that does not", () => {
  const values = { name: " ci ", days: "7", permissions: ["node.view"] };
  expect(requestOf(values, 0)).toEqual({
    name: "ci",
    permissions: ["node.view"],
    expiresAt: "1970-01-08T00:00:00.000Z",
  });
  expect(requestOf({ ...values, days: "" }, 0)).toEqual({ name: "ci", permissions: ["node.view"] });
});

it("knows browsers by what they call themselves", () => {
  expect(agents.map(agentOf)).toEqual([
    { browser: "Firefox", system: "Linux" },
    { browser: "Chrome", system: "Android" },
    { browser: "lormas-cli", system: "" },
  ]);
});
