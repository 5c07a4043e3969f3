import { expect, it } from "vitest";
import { filterOf, read, write } from "./filter";

it("goes into the address and back", () => {
  const choice = read(new URLSearchParams("q=jane&outcome=denied&span=week"));
  expect(write(choice)).toEqual({ q: "jane", outcome: "denied", span: "week" });
});

it("asks the controller for what was chosen", () => {
  const now = Date.UTC(2026, 10, 27, 12, 34);
  expect(filterOf(read(new URLSearchParams("verb=container&outcome=nonsense&span=day")), now)).toEqual({
    verb: "container.*",
    since: "2026-11-26T12:00:00.000Z",
  });
  expect(filterOf(read(new URLSearchParams("verb=node.drain")), now)).toEqual({ verb: "node.drain" });
  expect(filterOf(read(new URLSearchParams()), now)).toEqual({});
});
