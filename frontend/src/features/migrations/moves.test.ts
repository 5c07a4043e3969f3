import { describe, expect, it } from "vitest";
import { container, migration, node } from "@/mock/fixtures";
import { mayCancel, mayRollBack, prospectsFor, stepsOf } from "./moves";

describe("where a container could move to", () => {
  const c = container({ nodeId: "here", resources: { cpu: 1, memory: "1g", disk: "10g" } });
  const refusal = (change: Parameters<typeof node>[0], force = false) =>
    prospectsFor(c, [node({ id: "other", ...change })], force)[0]?.refusal;

  it.each([
    [{}, ""],
    [{ id: "here" }, "it is here now"],
    [{ state: "joining" }, "has not joined yet"],
    [{ state: "suspect" }, "is suspect"],
    [{ cordoned: true }, "is cordoned"],
    [{ quarantined: true }, "is quarantined: it was lost too often"],
    [{ capacity: { cpu: 0.5, memory: "5g", disk: "60g" } }, "lacks CPU"],
    [{ capacity: { cpu: 2, memory: "1023m", disk: "60g" } }, "lacks memory"],
    [{ capacity: { cpu: 1, memory: "1024m", disk: "9g" } }, "lacks disk"],
    [{ capacity: { cpu: 1, memory: "1024m", disk: "10g" } }, ""],
  ] as const)("%j: %s", (change, want) => {
    expect(refusal(change)).toBe(want);
  });

  it("is overruled by force where people or damping said so, not where the node cannot", () => {
    expect(refusal({ cordoned: true, quarantined: true }, true)).toBe("");
    expect(refusal({ state: "suspect" }, true)).toBe("is suspect");
    expect(refusal({ capacity: { cpu: 0.5, memory: "5g", disk: "60g" } }, true)).toBe("lacks CPU");
  });

  it("has those that can take it first", () => {
    const nodes = [
      node({ id: "a", name: "a", cordoned: true }),
      node({ id: "c", name: "c" }),
      node({ id: "b", name: "b" }),
    ];
    const names = prospectsFor(c, nodes, false).map((p) => p.node.name);
    expect(names).toEqual(["b", "c", "a"]);
  });
});

describe("what can be done about a move", () => {
  const { toEpoch: _, ...before } = migration({ state: "stopping" });

  it("is called off only before the container was handed over", () => {
    expect(mayCancel(before)).toBe(true);
    expect(mayCancel({ ...before, toEpoch: 4 })).toBe(false);
    expect(mayCancel({ ...before, state: "rolling_back" })).toBe(false);
    expect(mayCancel({ ...before, state: "failed" })).toBe(false);
  });

  it("is taken back only while the container is where it brought it", () => {
    expect(mayRollBack(migration({ toEpoch: 4 }), { epoch: 4 })).toBe(true);
    expect(mayRollBack(migration({ toEpoch: 4 }), { epoch: 5 })).toBe(false);
    expect(mayRollBack(before, { epoch: 1 })).toBe(false);
  });
});

it("tells the steps in the order in which they happened", () => {
  const at = (s: number) => new Date(s * 1000).toISOString();
  const overlapping = migration({
    createdAt: at(0),
    reservedAt: at(1),
    switchedAt: at(2),
    runningAt: at(5),
    stoppingAt: at(6),
    stoppedAt: at(8),
  });
  expect(stepsOf(overlapping).map(({ name, ms }) => [name, ms])).toEqual([
    ["queued", 0],
    ["place found", 1000],
    ["handed over", 1000],
    ["running", 3000],
    ["stopping", 1000],
    ["stopped", 2000],
  ]);
});
