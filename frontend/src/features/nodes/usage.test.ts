import { expect, it } from "vitest";
import { node } from "@/mock/fixtures";
import { barsOf } from "./usage";

it("tells what is used and what is promised, of what is offered", () => {
  expect(barsOf(node()).map(({ label, text, part }) => [label, text, part.text, part.value])).toEqual([
    ["CPU", "0.8 / 4 cores", "1.5 promised", 0.375],
    ["Memory", "2.6 / 8 GiB", "3 GiB promised", 0.375],
    ["Disk", "21 / 80 GiB", "20 GiB promised", 0.25],
  ]);
});

it("still tells what is promised where nothing is heard", () => {
  const { live: _, ...silent } = node();
  expect(barsOf(silent).map(({ value, text, part }) => [value, text, part.value])).toEqual([
    [null, "", 0.375],
    [null, "", 0.375],
    [null, "", 0.25],
  ]);
});
