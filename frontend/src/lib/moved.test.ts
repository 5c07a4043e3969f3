import { expect, it } from "vitest";
import { moved } from "./moved";

it("goes around the ends", () => {
  expect([moved(0, -1, 3), moved(2, 1, 3), moved(0, 1, 0)]).toEqual([2, 0, 0]);
});
