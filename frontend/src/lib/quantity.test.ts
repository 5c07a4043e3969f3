import { describe, expect, it } from "vitest";
import { formatBytes, formatBytesOf, formatCores, parseBytes, share } from "./quantity";

describe("parseBytes", () => {
  it.each([
    ["512m", 512 * 2 ** 20],
    ["10g", 10 * 2 ** 30],
    ["1.5GiB", 1536 * 2 ** 20],
    ["0", 0],
    ["1048576", 2 ** 20],
    ["2 KB", 2048],
    ["1T", 2 ** 40],
    ["7b", 7],
  ])("reads %s as shared/spec does", (text, want) => expect(parseBytes(text)).toBe(want));

  it.each(["", "m", "x", "-1m", "1e400", "NaN", "1gg", "1mk", "512 megabytes"])("refuses %j", (text) =>
    expect(parseBytes(text)).toBeNull(),
  );
});

it("formats amounts with about three digits", () => {
  expect([0, 1023, 1024, 1536 * 2 ** 20, 100 * 2 ** 30].map(formatBytes)).toEqual([
    "0 B",
    "1023 B",
    "1 KiB",
    "1.5 GiB",
    "100 GiB",
  ]);
  expect([0.25, 1, 12.34].map(formatCores)).toEqual(["0.25", "1", "12.3"]);
  expect(formatBytes(Number.NaN)).toBe("–");
});

it("shows a part in the unit of the whole", () => {
  expect(formatBytesOf(2.6 * 2 ** 30, 8 * 2 ** 30)).toBe("2.6 / 8 GiB");
  expect(formatBytesOf(97.3 * 2 ** 20, 2 ** 30)).toBe("0.1 / 1 GiB");
  expect(formatBytesOf(0, 0)).toBe("0 / 0 B");
});

it("keeps shares between nothing and all", () => {
  expect([share(1, 4), share(5, 4), share(-1, 4), share(1, 0)]).toEqual([0.25, 1, 0, 0]);
});
