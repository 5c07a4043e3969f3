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

/** Finds loops over what can be matched in more than one way, which could take a browser forever. */
class Loops {
  private groups = [false]; // whether there is a choice within, for each open group
  private closed = false; // whether the last part is a group with a choice within

  /** Takes the next part; false where it makes a loop of what has a choice. */
  take(part: string): boolean {
    if (this.closed && mostOf(part) > few) return false;
    if (/^[|*+?]$|^\{.*,/.test(part)) this.groups[this.groups.length - 1] = true;
    if (part.startsWith("(")) this.groups.push(false);
    this.closed = part === ")" && this.close();
    return true;
  }

  private close(): boolean {
    const within = this.groups.pop() ?? false;
    if (within) this.groups[this.groups.length - 1] = true;
    return within;
  }
}

/** As often as a choice may be repeated: an address has four numbers. */
const few = 8;

/** How often a part lets what is before it be there. */
function mostOf(part: string): number {
  if (part === "*" || part === "+" || part.endsWith(",}")) return Number.POSITIVE_INFINITY;
  return Number(/(\d+)\}$/.exec(part)?.[1] ?? 1);
}
