import { expect, it } from "vitest";
import { formatAge, formatDuration, formatTime } from "./time";

it("uses the largest unit that says something", () => {
  expect([-3, 0, 59.9, 60, 3599, 3600, 86_399, 86_400, 9e6].map(formatDuration)).toEqual([
    "0 s",
    "0 s",
    "59 s",
    "1 min",
    "59 min",
    "1 h",
    "23 h",
    "1 d",
    "104 d",
  ]);
});

it("shows a dash for what is no time", () => {
  expect(formatAge("soon", 0)).toBe("–");
  expect(formatTime("")).toBe("–");
});
