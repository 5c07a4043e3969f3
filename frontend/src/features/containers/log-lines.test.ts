import { describe, expect, it } from "vitest";
import { appendMark, appendOutput, emptyLog, maxLines } from "./log-lines";

const texts = (log: typeof emptyLog) => log.lines.map((line) => line.text);

describe("log lines", () => {
  it("are the same however the output was cut", () => {
    const output = "one\ntwo\n\nthree\nfour";
    const whole = appendOutput(emptyLog, output);
    const bits = [...output].reduce(appendOutput, emptyLog);
    expect(texts(bits)).toEqual(["one", "two", "", "three"]);
    expect(texts(whole)).toEqual(texts(bits));
    expect(bits.tail).toBe("four");
  });

  it("are bounded, with keys that only grow", () => {
    const log = appendOutput(emptyLog, "x\n".repeat(maxLines + 10));
    expect(log.lines).toHaveLength(maxLines);
    const next = appendOutput(log, "last\n");
    expect(next.lines).toHaveLength(maxLines);
    expect(next.lines.at(-1)?.text).toBe("last");
    expect(new Set(next.lines.map((line) => line.n)).size).toBe(maxLines);
  });

  it("break up output that never ends a line", () => {
    const log = Array.from({ length: 100 }, () => "y".repeat(1000)).reduce(appendOutput, emptyLog);
    expect(log.tail.length).toBeLessThan(10_000);
    expect(log.lines.length).toBeGreaterThan(5);
  });

  it("lose colours and what a carriage return overwrote", () => {
    const log = appendOutput(emptyLog, "\u001b[31mred\u001b[0m\r\n10 %\r20 %\nplain\n");
    expect(texts(log)).toEqual(["red", "20 %", "plain"]);
  });

  it("tell our own words from the container's", () => {
    const log = appendMark(appendOutput(emptyLog, "half"), "gap");
    expect(log.lines).toEqual([
      { n: 0, text: "half" },
      { n: 1, text: "gap", mark: true },
    ]);
  });
});
