import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Found, Screen } from "./terminal";

let screen: Screen;
const onFound = vi.fn<(found: Found) => void>();

beforeEach(() => {
  const box = document.createElement("div");
  document.body.append(box);
  screen = new Screen(box, { onView() {}, onFound });
});

afterEach(() => screen.close());

const esc = "\u001b";

describe("the screen of a console", () => {
  it.each([
    ["colours", `${esc}[31mred${esc}[0m and ${esc}[1;38;5;208mbold${esc}[m\n`, "red and bold"],
    ["a bar of progress", "10 %\r20 %\r30 %\n", "30 %"],
    ["a line that is written again", `wait${esc}[2K\rdone\n`, "done"],
  ])("shows what %s come to", async (_, text, shown) => {
    await screen.write(text);
    expect(screen.text()).toBe(shown);
  });

  it.each([
    ["a second screen", `${esc}[?1049h`],
    ["a wiped history", `${esc}[3J`],
    ["everything reset", `${esc}c`],
    ["another palette", `${esc}]11;#ffffff\u0007`],
  ])("keeps what was said before, against %s", async (_, control) => {
    await screen.write(`${"line\n".repeat(100)}before\n`);
    await screen.write(`${control}after\n`);
    expect(screen.text().split("\n").slice(-3)).toEqual(["line", "before", "after"]);
    expect(screen.text().split("\n")).toHaveLength(102);
  });

  it("gives long lines back in one piece, and all of a flood that it keeps", async () => {
    const long = "a line as long as two or three of the screen's ".repeat(6).trim();
    await screen.write(`${long}\n`.repeat(3000));
    const lines = screen.text().split("\n");
    expect(new Set(lines.slice(1))).toEqual(new Set([long])); // the first may have been cut by the limit
    expect(lines.length).toBeLessThan(10_030);
  });

  it("finds, and says how much", async () => {
    await screen.write("one\ntwo\nOne more\n");
    screen.find("one", "as typed");
    await vi.waitFor(() => expect(onFound).toHaveBeenLastCalledWith({ at: 0, of: 2 }));
    screen.find("one", "next");
    await vi.waitFor(() => expect(onFound).toHaveBeenLastCalledWith({ at: 1, of: 2 }));
    screen.find("one", "previous");
    await vi.waitFor(() => expect(onFound).toHaveBeenLastCalledWith({ at: 0, of: 2 }));
    screen.find("three", "as typed");
    await vi.waitFor(() => expect(onFound).toHaveBeenLastCalledWith({ at: -1, of: 0 }));
  });
});
