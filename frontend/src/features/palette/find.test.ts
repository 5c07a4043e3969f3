import { expect, it } from "vitest";
import { find } from "./find";

const targets = [
  { to: "/containers/1", label: "old-web", kind: "Container" },
  { to: "/containers/2", label: "web-front", kind: "Container" },
  { to: "/eggs/1", label: "Web server", kind: "Egg" },
];

it("finds every word, and what begins with the first before the rest", () => {
  expect(find(targets, "web").map((t) => t.to)).toEqual(["/containers/2", "/eggs/1", "/containers/1"]);
  expect(find(targets, "web egg").map((t) => t.to)).toEqual(["/eggs/1"]);
  expect(find(targets, "nothing")).toEqual([]);
});
