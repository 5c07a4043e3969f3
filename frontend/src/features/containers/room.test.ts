import { describe, expect, it } from "vitest";
import { cluster, node } from "@/mock/fixtures";
import { groupsOf, refusalOf, type Want } from "./room";

const want: Want = { resources: { cpu: 1, memory: "4g", disk: "1g" }, exclusive: false };
const capacity = (memory: string) => ({ cpu: 2, memory, disk: "60g" });
const depot = cluster({ id: "depot", name: "depot" });
const nodes = [
  node({ id: "full", name: "a-full", cluster_id: "depot", capacity: capacity("1g") }),
  node({ id: "free", name: "b-free", cluster_id: "depot", capacity: capacity("5g") }),
  node({ id: "alone", name: "c-alone", capacity: capacity("3g") }),
  node({ id: "away", name: "d-away", state: "unhealthy" }),
];

describe("the room that there is", () => {
  it("is told by cluster, with the nodes that have it first", () => {
    const groups = groupsOf(want, nodes, [depot, cluster({ id: "empty", name: "empty" })]);
    expect(groups.map(({ name, fitting, places }) => [name, fitting, places.map((p) => p.node.id)])).toEqual([
      ["depot", 1, ["free", "full"]],
      ["In no cluster", 0, ["alone", "away"]],
    ]);
  });

  it("is one list for who sees no clusters", () => {
    expect(groupsOf(want, nodes, []).map(({ name, places }) => [name, places.length])).toEqual([
      ["All nodes", 4],
    ]);
  });
});

describe("what fits nowhere", () => {
  const said = (change: Partial<Want>, nodeId = "", of = nodes) =>
    refusalOf({ ...want, ...change }, groupsOf({ ...want, ...change }, of, [depot]), nodeId);
  const big = { resources: { cpu: 1, memory: "16g", disk: "1g" } };

  it("is not said while a node has room", () => expect(said({})).toBe(""));

  it("is explained in counts", () => {
    expect(said(big)).toBe(
      "No node can take this now. Of 4, 3 lack memory (16g wanted, largest free 5 GiB), 1 is not healthy. Ask for less, or make room first.",
    );
    expect(said({}, "", [])).toMatch("There is no node yet");
  });

  it("is said of the node that was chosen, which need not be there", () => {
    expect(said({}, "full")).toMatch("a-full cannot take this: it lacks memory");
    expect(said({}, "free")).toBe("");
    expect(said({ resources: { ...want.resources, memory: "1g" } }, "away")).toBe("");
    expect(said({}, "away", [node({ id: "away", cordoned: true })])).toMatch("is cordoned");
  });

  it("knows of clusters that cannot keep copies apart", () => {
    const metered = cluster({ id: "depot", exclusive: false });
    const of = { ...want, exclusive: true };
    const groups = groupsOf(of, nodes.slice(0, 2), [metered]);
    expect(refusalOf(of, groups, "")).toMatch("2 cannot keep two copies apart");
  });
});
