/** The lines of a log view: bounded, cut at line ends, pure. */

export interface LogLine {
  n: number; // grows for ever: the key of the line
  text: string;
  mark?: true; // ours, not the container's
}

export interface LogBuffer {
  lines: readonly LogLine[];
  tail: string; // a line that has not ended yet
  next: number;
}

export const emptyLog: LogBuffer = { lines: [], tail: "", next: 0 };

/** Older lines are dropped: a page is no archive. */
export const maxLines = 2000;
/** A program that never ends a line must not fill the memory. */
const maxLineLength = 8192;

export function appendOutput(log: LogBuffer, chunk: string): LogBuffer {
  const parts = (log.tail + chunk).split("\n");
  const rest = parts.pop() ?? "";
  const tooLong = rest.length > maxLineLength;
  const whole = tooLong ? [...parts, rest] : parts;
  const added = whole.slice(-maxLines).map((text, i) => ({ n: log.next + i, text: plain(text) }));
  return {
    lines: [...log.lines, ...added].slice(-maxLines),
    tail: tooLong ? "" : rest,
    next: log.next + added.length,
  };
}

/** A word of our own between the lines: a gap, the end. */
export function appendMark(log: LogBuffer, text: string): LogBuffer {
  const ended = log.tail ? appendOutput(log, "\n") : log;
  return {
    ...ended,
    lines: [...ended.lines, { n: ended.next, text, mark: true as const }].slice(-maxLines),
    next: ended.next + 1,
  };
}

// Colours and cursor movements of terminals; the console of issue 6 shows them.
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they begin with
const escapes = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

function plain(text: string): string {
  const line = text.replace(escapes, "").replace(/\r$/, "");
  return line.slice(line.lastIndexOf("\r") + 1, maxLineLength);
}
