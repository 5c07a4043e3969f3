import { expect, it } from "vitest";
import { badLine, labelsOf, textOf } from "./labels";

it("comes back as it was", () => {
  const labels = { site: "berlin", url: "http://a/?b=c", empty: "" };
  expect(labelsOf(textOf(labels))).toEqual(labels);
  expect(labelsOf(" site = berlin \n\n rack=2")).toEqual({ site: "berlin", rack: "2" });
});

it("finds the line that is no label", () => {
  expect(badLine("a=1\nb")).toBe("b");
  expect(badLine("=1")).toBe("=1");
  expect(badLine("a=1\n\n")).toBeUndefined();
});
