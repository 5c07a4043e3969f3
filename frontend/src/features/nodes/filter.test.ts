import { describe, expect, it } from "vitest";
import { node } from "@/mock/fixtures";
import { applyFilter, type Filter, readFilter, writeFilter } from "./filter";

const nodes = [
  node({ name: "shop-10", hostname: "ten", state: "healthy" }),
  node({ name: "shop-2", hostname: "two", state: "unhealthy" }),
  node({ name: "van", hostname: "wheels", description: "the blue shop", state: "suspect" }),
];

const shown = (query: string) =>
  applyFilter(nodes, readFilter(new URLSearchParams(query))).map((n) => n.name);

describe("the list of nodes", () => {
  it("counts as people do", () => expect(shown("")).toEqual(["shop-2", "shop-10", "van"]));
  it("goes backwards", () => expect(shown("sort=-name")).toEqual(["van", "shop-10", "shop-2"]));
  it("has trouble first", () => expect(shown("sort=trouble")).toEqual(["shop-2", "van", "shop-10"]));
  it("keeps one state", () => expect(shown("state=suspect")).toEqual(["van"]));
  it("finds by name, machine and description", () => {
    expect(shown("q=+SHOP+")).toEqual(["shop-2", "shop-10", "van"]);
    expect(shown("q=wheels")).toEqual(["van"]);
  });
  it("ignores what does not exist", () => expect(shown("state=odd&sort=odd")).toHaveLength(3));
});

it("keeps the filter in the address", () => {
  const filter: Filter = { q: "a b", state: "suspect", sort: "trouble" };
  expect(readFilter(writeFilter(filter))).toEqual(filter);
});
