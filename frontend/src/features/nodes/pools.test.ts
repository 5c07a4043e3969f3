import { expect, it } from "vitest";
import { badPool, poolsOf, poolsText } from "./pools";

it("comes back as it was", () => {
  const pools = [
    { first: 20000, last: 29999 },
    { ip: "10.0.0.5", first: 25565, last: 25600 },
    { ip: "fd00::5", first: 1, last: 2 },
  ];
  expect(poolsText(pools)).toBe("20000-29999\n10.0.0.5:25565-25600\n[fd00::5]:1-2");
  expect(poolsOf(poolsText(pools))).toEqual(pools);
});

it("finds the line that is no pool", () => {
  expect(badPool("20000-29999\n25565")).toBe("25565");
  expect(badPool("20000-29999\n\n")).toBeUndefined();
});
