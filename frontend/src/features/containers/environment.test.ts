import { expect, it } from "vitest";
import { editOf, variablesOf } from "./environment";

const before = variablesOf({ WORLD: "one", LEVEL: "3" }, ["PASSWORD"]);

it("shows secrets without their values, in order", () => {
  expect(before.map(({ name, secret }) => [name, secret])).toEqual([
    ["LEVEL", false],
    ["PASSWORD", true],
    ["WORLD", false],
  ]);
});

it("sends what was changed and nothing else", () => {
  expect(editOf(before, { WORLD: "one", LEVEL: "3", PASSWORD: "" })).toBeNull();
  expect(editOf(before, { WORLD: "two", LEVEL: "3", PASSWORD: "new" })).toEqual({
    environment: { WORLD: "two" },
    secrets: { PASSWORD: "new" },
  });
});
