import { describe, expect, it } from "vitest";
import { Beats } from "@/live/beats";
import { beatsOf, msOf, withLast } from "./beats";

const now = 100_000;
const strip = (heard: number[], deaf: Array<[from: number, to: number]> = [], most = 60) =>
  beatsOf(
    heard,
    deaf.map(([from, to]) => ({ from, to })),
    now,
    10_000,
    most,
  )
    .map((beat) => ({ heard: "|", missed: "x", untold: "." })[beat])
    .join("");

describe("the strip of heartbeats", () => {
  it.each([
    ["nothing was heard yet", [], ""],
    ["all came, some a little late", [60_000, 71_000, 79_500, 91_000], "||||"],
    ["two are missing in between", [50_000, 60_000, 90_000], "||xx|"],
    ["the last is not due yet", [80_000, 90_000], "||"],
    ["it is silent since", [50_000, 60_000], "||xxx"],
    ["some came besides, on a change", [80_000, 81_000, 82_000, 90_000], "||"],
  ])("where %s", (_, heard, want) => expect(strip(heard)).toBe(want));

  it("does not blame a node for what could not be heard", () => {
    expect(strip([50_000, 60_000, 90_000], [[65_000, 85_000]])).toBe("||..|");
    expect(strip([50_000, 60_000], [[61_000, now]])).toBe("||...");
    expect(strip([50_000, 60_000], [[0, 75_000]])).toBe("||.xx");
  });

  it("begins with the last that the controller knew of, if that is of before", () => {
    expect(withLast([], new Date(60_000).toISOString(), now)).toEqual([60_000]);
    expect(withLast([80_000], new Date(60_000).toISOString(), now)).toEqual([60_000, 80_000]);
    expect(withLast([80_000], new Date(90_000).toISOString(), now)).toEqual([80_000]);
    expect(withLast([], new Date(now + 60_000).toISOString(), now)).toEqual([]);
    expect(withLast([], undefined, now)).toEqual([]);
  });

  it("is as long as there is room for, with the newest", () => {
    expect(strip([10_000, 90_000], [], 4)).toBe("xxx|");
    expect(strip([10_000], [], 4)).toBe("xxxx");
  });
});

describe("heartbeats that a tab has heard", () => {
  it("are bounded, and with them when it was deaf", () => {
    const beats = new Beats();
    for (let at = 0; at < 500; at++) beats.put("a", at);
    expect(beats.of("a")).toHaveLength(120);
    expect(beats.of("a").at(-1)).toBe(499);
    expect(beats.of("b")).toEqual([]);
    expect(beats.deafness(5)).toEqual([{ from: 0, to: 5 }]);
    beats.hear(5);
    beats.deafen(10);
    beats.deafen(12);
    expect(beats.deafness(20)).toEqual([
      { from: 0, to: 5 },
      { from: 10, to: 20 },
    ]);
    beats.hear(15);
    beats.hear(16);
    expect(beats.deafness(20)).toEqual([
      { from: 0, to: 5 },
      { from: 10, to: 15 },
    ]);
  });
});

it("reads times as the controller writes them", () => {
  expect(["10s", "1m30s", "500ms", "1.5s", "2h0m0s", "soon", ""].map(msOf)).toEqual([
    10_000,
    90_000,
    500,
    1500,
    7_200_000,
    null,
    null,
  ]);
});
