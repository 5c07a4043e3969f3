import { describe, expect, it } from "vitest";
import { container } from "@/mock/fixtures";
import { fitFor, forEach } from "./bulk";

it("offers a verb for those only that it makes sense for", () => {
  const running = container({ id: "running" });
  const stopped = container({ id: "stopped", phase: "stopped", power: "stopped" });
  const moving = container({ id: "moving", migration_status: "migrating" });
  const gone = container({ id: "gone", power: "absent" });
  const all = [running, stopped, moving, gone];
  const ids = (verb: Parameters<typeof fitFor>[0]) => fitFor(verb, all).map((c) => c.id);
  expect(ids("start")).toEqual(["stopped"]);
  expect(ids("stop")).toEqual(["running", "moving"]);
  expect(ids("migrate")).toEqual(["running", "stopped"]);
  expect(ids("delete")).toEqual(["running", "stopped", "moving"]);
});

describe("asking for many", () => {
  it("tells of each, and goes on when one is refused", async () => {
    const told: Array<[number, unknown]> = [];
    const refusal = new Error("no");
    const act = (n: number) => (n === 2 ? Promise.reject(refusal) : Promise.resolve());
    await forEach([1, 2, 3, 4, 5, 6], act, (n, error) => told.push([n, error]));
    expect(told.sort(([a], [b]) => a - b)).toEqual([
      [1, null],
      [2, refusal],
      [3, null],
      [4, null],
      [5, null],
      [6, null],
    ]);
  });

  it("has four under way at most", async () => {
    const waiting: Array<() => void> = [];
    const done = forEach(
      Array.from({ length: 9 }, (_, n) => n),
      () => new Promise<void>((resolve) => waiting.push(resolve)),
      () => {},
    );
    let asked = 0;
    while (asked < 9) {
      expect(waiting.length).toBeLessThanOrEqual(4);
      asked += waiting.length;
      for (const resolve of waiting.splice(0)) resolve();
      await new Promise((resolve) => setTimeout(resolve)); // lets the workers take the next
    }
    await done;
    expect(asked).toBe(9);
  });
});
