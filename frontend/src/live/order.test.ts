import { describe, expect, it } from "vitest";
import { beganLater, compareVersions, supersedes } from "./order";
import { Recent } from "./recent";

describe("versions", () => {
  const at = (epoch: number, generation: number) => ({ epoch, generation });

  it.each([
    ["the same report again", at(1, 1), at(1, 1), true],
    ["a newer spec", at(1, 2), at(1, 1), true],
    ["an older spec", at(1, 1), at(1, 2), false],
    ["a newer place with an older spec", at(2, 1), at(1, 9), true],
    ["an older place with a newer spec", at(1, 9), at(2, 1), false],
  ])("%s", (_, news, shown, want) => expect(supersedes(news, shown)).toBe(want));

  it("are in one order, however they arrive", () => {
    const all = [at(1, 1), at(1, 2), at(2, 1), at(2, 3), at(3, 1)];
    for (const [i, a] of all.entries()) {
      for (const [j, b] of all.entries()) {
        expect(Math.sign(compareVersions(a, b))).toBe(Math.sign(i - j));
      }
    }
  });
});

it("compares moments, not spellings", () => {
  expect(beganLater("2026-11-23T13:00:00+01:00", "2026-11-23T12:00:00Z")).toBe(true);
  expect(beganLater("2026-11-23T11:59:59Z", "2026-11-23T12:00:00Z")).toBe(false);
  expect(beganLater("2026-11-23T11:59:59Z", "")).toBe(true);
});

describe("recent news", () => {
  it("wins over a snapshot that was asked for before it came", () => {
    const recent = new Recent<string>();
    recent.put("a", "stopped", 100);
    expect(recent.since("a", 90)).toBe("stopped");
    expect(recent.since("a", 101)).toBeUndefined();
    expect(recent.since("b", 0)).toBeUndefined();
  });

  it("is forgotten by age and by number", () => {
    const recent = new Recent<number>(1000, 2);
    recent.put("a", 1, 0);
    recent.put("b", 2, 500);
    recent.put("a", 3, 900);
    recent.put("c", 4, 1000);
    expect(["a", "b", "c"].map((id) => recent.since(id, 0))).toEqual([3, undefined, 4]);
    recent.put("d", 5, 9000);
    expect(["a", "c", "d"].map((id) => recent.since(id, 0))).toEqual([undefined, undefined, 5]);
  });
});
