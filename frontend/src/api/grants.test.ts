import { describe, expect, it } from "vitest";
import { allows, covers } from "./grants";

describe("a pattern", () => {
  it.each([
    ["*", "node.view", true],
    ["container.*", "container.ha.create", true],
    ["container.*", "containers.view", false],
    ["container.start", "container.start", true],
    ["container.start", "container.stop", false],
  ])("%s takes in %s: %s", (pattern, permission, expected) => {
    expect(covers(pattern, permission)).toBe(expected);
  });
});

describe("a grant", () => {
  const me = {
    grants: [
      { permission: "container.*", scope: "owned" as const, scopeId: "me" },
      { permission: "container.view", scope: "node" as const, scopeId: "n1" },
      { permission: "egg.view", scope: "global" as const },
    ],
  };
  it.each([
    ["container.start", { container: "c", node: "n1", owner: "me" }, true],
    ["container.start", { container: "c", node: "n1", owner: "another" }, false],
    ["container.view", { container: "c", node: "n1", owner: "another" }, true],
    ["container.view", { container: "c", node: "n2" }, false],
    ["container.start", undefined, true],
    ["egg.view", {}, true],
    ["egg.edit", undefined, false],
  ])("of mine lets me %s at %o: %s", (permission, target, expected) => {
    expect(allows(me, permission, target)).toBe(expected);
  });
});
