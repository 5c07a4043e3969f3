import { describe, expect, it } from "vitest";
import { container } from "@/mock/fixtures";
import { applyFilter, readFilter, writeFilter } from "./filter";

describe("the filter in the URL", () => {
  it.each(["", "q=web", "phase=running", "q=a+b&phase=failed&node=n1"])("%j comes back as it was", (url) => {
    expect(writeFilter(readFilter(new URLSearchParams(url))).toString()).toBe(url);
  });

  it("ignores a phase that does not exist", () => {
    expect(readFilter(new URLSearchParams("phase=toString")).phase).toBe("");
  });
});

it("keeps what matches everything that is asked", () => {
  const web = { ...container(), id: "1", name: "Web-1", phase: "running" as const, nodeId: "n1" };
  const db = { ...container(), id: "2", name: "db", phase: "failed" as const, nodeId: "n2" };
  const keep = (url: string) =>
    applyFilter([web, db], readFilter(new URLSearchParams(url))).map((c) => c.name);
  expect(keep("")).toEqual(["Web-1", "db"]);
  expect(keep("q=WEB")).toEqual(["Web-1"]);
  expect(keep("phase=failed")).toEqual(["db"]);
  expect(keep("node=n1&phase=failed")).toEqual([]);
});
