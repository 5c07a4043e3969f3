/**
 * Patterns of eggs, /…/i in PHP's delimiters, as RegExp. The controller runs
 * them on RE2: what means something else here, or could hang a browser, is
 * not translated, and judged there alone. Pure.
 */

/** Delimiters that are not their own end. */
const closing: Record<string, string> = { "(": ")", "[": "]", "{": "}", "<": ">" };

/** The pattern as RegExp, or null where only the controller can judge. */
export function patternOf(text: string): RegExp | null {
  const open = text[0] ?? "";
  if (text.length < 2 || /[a-z0-9\\\s]/i.test(open)) return null;
  const last = text.lastIndexOf(closing[open] ?? open);
  const modifiers = text.slice(last + 1);
  if (last < 1 || /[^isuD]/.test(modifiers)) return null;
  const source = translate(text.slice(1, last), modifiers.includes("s"));
  if (source === null) return null;
  try {
    return new RegExp(source, modifiers.includes("i") ? "iu" : "u");
  } catch {
    return null;
  }
}

/** An escape, a group's head, the head of a class, how often, or one character. */
const token = /\\.|\(\?:|\(\?|\[\^?\]?|[*+?]|\{\d+(?:,\d*)?\}|./gsu;

function translate(pattern: string, dotAll: boolean): string | null {
  const groups = new Loops();
  let inClass = false;
  let out = "";
  let before = "";
  for (const [part] of pattern.matchAll(token)) {
    let next: string | null = part;
    if (part.startsWith("\\")) next = escapeOf(part[1] ?? "", inClass);
    else if (inClass) {
      if (part === "]") inClass = false;
      else next = inside(part, before);
    } else if (part.startsWith("[")) {
      inClass = true;
      if (part.endsWith("]")) next = null; // a bracket that stands first is a character to RE2, the end here
    } else if (part === ".") next = dotAll ? "[^]" : "[^\\n]";
    else if (part === "(?" || !groups.take(part)) next = null;
    if (next === null) return null;
    out += next;
    before = part;
  }
  return out;
}

/** What stands in a class; heads and repeats are mere characters there. */
function inside(part: string, before: string): string | null {
  if (part.startsWith("[")) return part === "[" ? "\\[" : null; // [[:alpha:]], or a bracket and the end
  if (part === "-" && /^\\[dws]$/i.test(before)) return "\\-";
  return part.replace(/[[\](){}?*+]/g, "\\$&");
}

/** Letters that mean the same there and here. */
const sameLetter = /[dDwWbBnrtfv]/;

function escapeOf(char: string, inClass: boolean): string | null {
  if (char === "s") return inClass ? "\\t\\n\\f\\r " : "[\\t\\n\\f\\r ]";
  if (char === "S" && !inClass) return "[^\\t\\n\\f\\r ]";
  if (/[bB]/.test(char) && inClass) return null;
  if (sameLetter.test(char)) return `\\${char}`;
  if (/[^!-~]|[a-z0-9]/i.test(char)) return null;
  return /[\^$\\.*+?()[\]{}|/]/.test(char) || (inClass && char === "-") ? `\\${char}` : char;
}

/** In how many ways a part can match the same text, and how many loops without a near end are in it. */
interface Effort {
  ways: number;
  loops: number;
}

/** A value that is longer is judged by the controller alone. */
export const longest = 200;

/** A browser tries all ways, at every place of every loop: this many are done in no time on the longest value. */
const most: Effort = { ways: 100, loops: 3 };

/** As often as a repeat may go to be tried as so many ways; more is a loop. */
const few = 8;

/** Adds up what a pattern takes, so that none is tried that could take a browser forever. */
class Loops {
  private groups: Effort[] = [{ ways: 1, loops: 0 }]; // for each open one
  private last: Effort = { ways: 1, loops: 0 }; // of the part that a repeat would repeat

  /** Takes the next part; false where the pattern takes too much. */
  take(part: string): boolean {
    const { last } = this;
    this.last = { ways: 1, loops: 0 };
    const repeat = repeatOf(part);
    if (repeat) return this.repeat(last, repeat);
    if (part.startsWith("(")) this.groups.push({ ways: 1, loops: 0 });
    if (part === "|") return this.add({ ways: 2, loops: 0 });
    if (part !== ")") return true;
    this.last = this.groups.pop() ?? this.last;
    return this.add(this.last);
  }

  private repeat({ ways, loops }: Effort, [min, max]: [number, number]): boolean {
    if (max > few) return ways === 1 && loops === 0 && this.add({ ways: 1, loops: 1 });
    return this.add({ ways: ways ** (max - 1) * (max - min + 1), loops: loops * (max - 1) });
  }

  private add({ ways, loops }: Effort): boolean {
    const within = this.groups.at(-1);
    if (!within) return false; // a group is closed that was not opened
    within.ways *= ways;
    within.loops += loops;
    return within.ways <= most.ways && within.loops <= most.loops;
  }
}

/** How often a part has what is before it be there: at least, and at most. */
function repeatOf(part: string): [number, number] | null {
  if (part === "?") return [0, 1];
  if (part === "*" || part === "+") return [0, Number.POSITIVE_INFINITY];
  const [all, min, comma, max] = /^\{(\d+)(,?)(\d*)\}$/.exec(part) ?? [];
  if (!all) return null;
  if (!comma) return [Number(min), Number(min)];
  return [Number(min), max ? Number(max) : Number.POSITIVE_INFINITY];
}
