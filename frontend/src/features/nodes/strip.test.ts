import { describe, expect, it } from "vitest";
import { stretchesOf } from "./strip";

const hour = 3_600_000;
const now = 100 * hour;
const at = (hours: number) => new Date(now - hours * hour).toISOString();
const strip = (...steps: Array<[hours: number, from: string, to: string]>) =>
  stretchesOf(
    steps.map(([hours, from, to]) => ({ at: at(hours), from, to })),
    "healthy",
    now,
    4 * hour,
  ).map(({ state, share }) => [state, share]);

describe("the strip of states", () => {
  it("is one stretch where nothing is known to have changed", () => {
    expect(strip()).toEqual([["healthy", 1]]);
  });

  it("begins with what the first transition left", () => {
    expect(strip([1, "unhealthy", "healthy"])).toEqual([
      ["unhealthy", 0.75],
      ["healthy", 0.25],
    ]);
  });

  it("puts what comes in any order into that of time, and leaves out what was before it", () => {
    expect(strip([1, "suspect", "healthy"], [9, "joining", "healthy"], [2, "healthy", "suspect"])).toEqual([
      ["healthy", 0.5],
      ["suspect", 0.25],
      ["healthy", 0.25],
    ]);
  });

  it("leaves out a state that this dashboard does not know", () => {
    expect(strip([2, "healthy", "asleep"], [1, "asleep", "healthy"])).toEqual([
      ["healthy", 0.5],
      ["healthy", 0.25],
    ]);
  });
});
