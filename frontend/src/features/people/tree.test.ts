import { describe, expect, it } from "vitest";
import type { Permission } from "@/api/types";
import { toggled, treeOf } from "./tree";

const all = ["container.start", "container.view", "node.view"].map(
  (permission) => ({ permission, description: permission }) as Permission,
);

describe("the tree of a role", () => {
  it("says of each where it is from", () => {
    const tree = treeOf(all, ["container.*"], ["node.view"]);
    expect(tree.hold).toBe("none");
    expect(tree.branches.map((b) => [b.noun, b.hold])).toEqual([
      ["container", "own"],
      ["node", "none"],
    ]);
    expect(tree.branches.flatMap((b) => b.leaves.map((leaf) => leaf.hold))).toEqual([
      "covered",
      "covered",
      "inherited",
    ]);
  });

  it("takes in what a wider pattern covers", () => {
    expect(toggled(["container.start", "node.view"], "container.*")).toEqual(["container.*", "node.view"]);
    expect(toggled(["container.*", "node.view"], "container.*")).toEqual(["node.view"]);
    expect(toggled(["node.view"], "*")).toEqual(["*"]);
  });
});
