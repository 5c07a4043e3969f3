import { describe, expect, it } from "vitest";
import type { ImportedEgg } from "@/api/types";
import { emptyList, step, toImport } from "./import-list";

const seen = (outcome: ImportedEgg["outcome"]) =>
  ({ outcome, warnings: [], changes: [] }) as unknown as ImportedEgg;

describe("the list of files", () => {
  const two = step(emptyList, { type: "add", sources: ["https://a/egg.json", "https://b/egg.json"] });

  it("looks at each before anything is imported", () => {
    expect(two.items.map((item) => item.state)).toEqual(["looking", "looking"]);
    expect(toImport(two)).toEqual([]);
  });

  it("imports what is new or changes something", () => {
    const looked = step(step(two, { type: "looked", key: 1, seen: seen("created") }), {
      type: "looked",
      key: 2,
      seen: seen("unchanged"),
    });
    expect(toImport(looked).map((item) => item.key)).toEqual([1]);
    expect(toImport(step(looked, { type: "done", key: 1, seen: seen("created") }))).toEqual([]);
  });

  it("gives no key twice", () => {
    const again = step(step(two, { type: "remove", key: 2 }), {
      type: "add",
      sources: ["https://c/egg.json"],
    });
    expect(again.items.map((item) => item.key)).toEqual([1, 3]);
  });
});
