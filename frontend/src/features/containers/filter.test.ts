import { describe, expect, it } from "vitest";
import { container } from "@/mock/fixtures";
import { applyFilter, askedOf, readFilter, writeFilter } from "./filter";

describe("the filter in the URL", () => {
  it.each(["", "q=web", "phase=running", "q=a+b&phase=failed&node=n1&sort=-name"])(
    "%j comes back as it was",
    (url) => {
      expect(writeFilter(readFilter(new URLSearchParams(url))).toString()).toBe(url);
    },
  );

  it("ignores a phase that does not exist", () => {
    expect(readFilter(new URLSearchParams("phase=toString")).phase).toBe("");
  });
});

it("asks the controller, and hides what has left the phase since", () => {
  const filter = readFilter(new URLSearchParams("q=+WEB+&phase=failed&node=n1&sort=-name"));
  expect(askedOf(filter)).toEqual({ q: "WEB", phase: "failed", nodeId: "n1", sort: "-name" });
  const failed = container({ id: "2", phase: "failed" });
  expect(applyFilter([container(), failed], filter)).toEqual([failed]);
  expect(askedOf(readFilter(new URLSearchParams("sort=color")))).toEqual({});
});
