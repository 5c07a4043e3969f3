import { describe, expect, it } from "vitest";
import { emptyLog } from "./log-lines";
import { appendEntry, type Entry, type Place, placeAfter } from "./log-place";

const entries: Entry[] = [
  { book: "b", next: 5 },
  { n: 5, text: "five" },
  { gap: { from: 6, to: 8 } },
  { n: 9, text: "" },
  { n: 10, text: "ten" },
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

  it("shows lines, and what is missing between them", () => {
    const log = entries.reduce(appendEntry, emptyLog);
    expect(log.lines.map((line) => line.text)).toEqual([
      "five",
      "— lines 6 to 8 are not kept any more —",
      "",
      "ten",
      "— the node is gone —",
    ]);
  });
});
