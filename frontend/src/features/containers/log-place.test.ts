import { describe, expect, it } from "vitest";
import { type Entry, mark, type Place, placeAfter, shownOf } from "./log-place";

const entries: Entry[] = [
  { book: "b", next: 5 },
  { n: 5, text: "five" },
  { gap: { from: 6, to: 8 } },
  { n: 9, text: "" },
  { n: 10, text: "\u001b[31mten" },
  { error: "the node is gone" },
];

describe("the place in a log", () => {
  it("is after the last line that was seen", () => {
    const places = entries.map((_, i) => entries.slice(0, i + 1).reduce(placeAfter, {} as Place));
    expect(places.map((p) => p.after)).toEqual([4, 5, 8, 9, 10, 10]);
    expect(places.at(-1)?.book).toBe("b");
  });

  it("is another one in another book", () => {
    expect(placeAfter({ book: "b", after: 10 }, { book: "c", next: 1 })).toEqual({ book: "c", after: 0 });
  });
});

describe("the screen of a log", () => {
  it("shows lines with their colours, and how many are missing between them", () => {
    expect(entries.map((entry) => shownOf({}, entry))).toEqual([
      "",
      "five\n",
      mark("3 lines missing"),
      "\n",
      "\u001b[31mten\n",
      mark("the node is gone"),
    ]);
  });

  it("says where another book begins, but not at the first", () => {
    expect(shownOf({ book: "b" }, { book: "b", next: 9 })).toBe("");
    expect(shownOf({ book: "a" }, { book: "b", next: 1 })).toContain("begins anew");
  });
});
