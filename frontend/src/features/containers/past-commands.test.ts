import { expect, it } from "vitest";
import { type Past, recall, remember } from "./past-commands";

const none: Past = { lines: [], at: 0 };

it("goes back to what was typed before, and forth to a new line", () => {
  const past = ["say a", "say b", "say a"].reduce(remember, none);
  expect(past).toEqual({ lines: ["say b", "say a"], at: 2 });
  expect(recall(past, -1).at).toBe(1);
  expect(recall(recall(recall(past, -1), -1), -1).at).toBe(0);
  expect(recall(past, 1).at).toBe(2);
});

it("keeps the last hundred", () => {
  const past = Array.from({ length: 150 }, (_, i) => `say ${i}`).reduce(remember, none);
  expect(past.lines).toHaveLength(100);
  expect(past.lines[0]).toBe("say 50");
});
