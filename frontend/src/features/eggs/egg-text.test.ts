import { expect, it } from "vitest";
import { egg } from "@/mock/fixtures";
import { blankEgg, bodyOf, readEgg, readSimple, textOf, writeSimple } from "./egg-text";

it("comes back from its text as it was, without what the controller keeps", () => {
  const body = bodyOf(egg());
  expect(readEgg(textOf(body))).toEqual({ egg: body });
  expect(body).not.toHaveProperty("id");
  expect(body).not.toHaveProperty("generation");
});

it.each(["", "{", "[]", "null", '"x"'])("refuses %j with words", (text) => {
  expect(readEgg(text)).toHaveProperty("fault");
});

it("writes the simple fields without touching the others", () => {
  const two = {
    ...blankEgg,
    images: [
      { name: "a", image: "x:1" },
      { name: "b", image: "y:1" },
    ],
  };
  const next = writeSimple(two, "image", "x:2");
  expect(next.images).toEqual([
    { name: "a", image: "x:2" },
    { name: "b", image: "y:1" },
  ]);
  expect(readSimple(writeSimple(two, "stop", "^C"), "stop")).toBe("^C");
  expect(writeSimple(writeSimple(two, "stop", "^C"), "stop", "")).not.toHaveProperty("stop");
  expect(readSimple({ name: "" } as never, "image")).toBe("");
});
