/**
 * The rules of an egg's variables, as zod checks them before anything is
 * sent. Words and meaning are those of shared/egg, which has the last word:
 * what cannot be judged here passes. Pure.
 */
import * as z from "zod/mini";
import { longest, patternOf } from "./pattern";

/** What holds of a value, and what completes "must …" where it does not. */
interface Check {
  says: string;
  holds: (value: string) => boolean;
}

/** A schema of the values that rules let pass; the first complaint is the only one, and says of what it is. */
export function schemaOf(rules: string[], of = "") {
  const read = rules.map(readRule).filter(({ name }) => name !== "");
  const numeric = read.some(({ name }) => numbers.has(name));
  const checks = read.flatMap(({ name, args }) => builders[name]?.(args, numeric) ?? []);
  const required = read.some(({ name }) => name === "required");
  const must = (holds: (value: string) => boolean, error: string) =>
    z.refine<string>(holds, { error: of + error, abort: true });
  return z.string().check(
    must((value) => !(required && isBlank(value)), "a value is required"),
    ...checks.map(({ says, holds }) => must((value) => isBlank(value) || holds(value), `must ${says}`)),
  );
}

/** What is wrong with a value, or nothing. */
export function complaintOf(rules: string[], value: string): string {
  const result = schemaOf(rules).safeParse(value);
  return result.success ? "" : (result.error.issues[0]?.message ?? "");
}

/** Rules in words, as far as they are known here. */
export function wordsOf(rules: string[]): string {
  const read = rules.map(readRule);
  const numeric = read.some(({ name }) => numbers.has(name));
  const says = read.flatMap(({ name, args }) => builders[name]?.(args, numeric)?.says ?? []);
  return says.length > 0 ? `must ${says.join(", ")}` : "";
}

/** All values that there are, where rules name them; a blank one where nothing is required. */
export function choicesOf(rules: string[]): string[] | null {
  const read = rules.map(readRule);
  const named = read.flatMap(({ name, args }) => {
    if (name === "in") return [listOf(args)];
    return name === "boolean" || name === "bool" ? [["1", "0"]] : [];
  })[0];
  if (!named) return null;
  const choices = named.filter((choice) => complaintOf(rules, choice) === "");
  return isRequired(rules) ? choices : ["", ...choices.filter((choice) => choice !== "")];
}

export const isRequired = (rules: string[]): boolean => rules.some((r) => readRule(r).name === "required");

/** Names are Laravel's: case, dashes and underscores do not count. */
function readRule(text: string): { name: string; args: string } {
  const [, name = "", args = ""] = /^([^:]*):?(.*)$/s.exec(text.trim()) ?? [];
  return { name: name.toLowerCase().replace(/[_\- ]/g, ""), args };
}

const numbers = new Set(["numeric", "integer", "int"]);

type Build = (args: string, numeric: boolean) => Check | null;

const builders: Record<string, Build> = {
  integer: fixed("be a whole number", isInteger),
  int: fixed("be a whole number", isInteger),
  numeric: fixed("be a number", isNumeric),
  boolean: fixed("be 0 or 1", (v) => v === "0" || v === "1"),
  bool: fixed("be 0 or 1", (v) => v === "0" || v === "1"),
  alphadash: matching("have only letters, digits, dashes and underscores", /^[\p{L}\p{M}\p{N}_-]*$/u),
  alphanum: matching("have only letters and digits", /^[\p{L}\p{M}\p{N}]*$/u),
  // Looser than the controller's, which is the one to refuse the rest.
  url: matching(
    "be an address such as https://example.com/",
    /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#\s]*@)?(?:\[[^\]\s]+\]|[^/?#:@\s]+)\S*$/iu,
  ),
  email: matching("be an e-mail address", /^[^\s@<>"]+@[^\s@<>"]+$/u),
  ip: fixed("be an IP address", (v) => address.safeParse(v).success),

  max: sized(
    (limit) => `be at most ${limit}`,
    (have, limit) => have <= limit,
  ),
  min: sized(
    (limit) => `be at least ${limit}`,
    (have, limit) => have >= limit,
  ),
  size: sized(
    (limit) => `be exactly ${limit}`,
    (have, limit) => have === limit,
  ),
  gt: compared(
    (limit) => `be more than ${limit}`,
    (have, limit) => have > limit,
  ),
  lte: compared(
    (limit) => `be at most ${limit}`,
    (have, limit) => have <= limit,
  ),
  between: (args, numeric) => {
    const bounds = numbersOf(args, 2);
    if (!bounds) return null;
    const [low = 0, high = 0] = bounds;
    return {
      says: inCharacters(`be from ${low} to ${high}`, numeric),
      holds: (v) => sizeOf(v, numeric) >= low && sizeOf(v, numeric) <= high,
    };
  },

  digits: (args) => {
    const [count] = numbersOf(args, 1) ?? [];
    if (count === undefined) return null;
    return { says: `have exactly ${count} digits`, holds: (v) => isDigits(v) && v.length === count };
  },
  digitsbetween: (args) => {
    const bounds = numbersOf(args, 2);
    if (!bounds) return null;
    const [low = 0, high = 0] = bounds;
    return {
      says: `have ${low} to ${high} digits`,
      holds: (v) => isDigits(v) && v.length >= low && v.length <= high,
    };
  },
  in: listed(
    (items) => `be one of ${items.join(", ")}`,
    (v, items) => items.includes(v),
  ),
  notin: listed(
    (items) => `be none of ${items.join(", ")}`,
    (v, items) => !items.includes(v),
  ),
  endswith: listed(
    (items) => `end with ${items.join(" or ")}`,
    (v, items) => items.some((end) => v.endsWith(end)),
  ),
  regex: (args) => {
    const pattern = patternOf(args);
    return pattern && { says: `match ${args}`, holds: (v) => v.length > longest || pattern.test(v) };
  },
};

function fixed(says: string, holds: (value: string) => boolean): Build {
  return () => ({ says, holds });
}

function matching(says: string, form: RegExp): Build {
  return fixed(says, (value) => form.test(value));
}

type Compare = (have: number, limit: number) => boolean;

function sized(says: (limit: number) => string, compare: Compare): Build {
  return (args, numeric) => {
    const [limit] = numbersOf(args, 1) ?? [];
    if (limit === undefined) return null;
    return { says: inCharacters(says(limit), numeric), holds: (v) => compare(sizeOf(v, numeric), limit) };
  };
}

/** Only numbers pass these, though their length is compared where no rule asks for a number. */
function compared(says: (limit: number) => string, compare: Compare): Build {
  const build = sized(says, compare);
  return (args, numeric) => {
    const check = build(args, numeric);
    return check && { ...check, holds: (v) => isNumeric(v) && check.holds(v) };
  };
}

function listed(says: (items: string[]) => string, holds: (v: string, items: string[]) => boolean): Build {
  return (args) => {
    const items = listOf(args);
    return args === "" ? null : { says: says(items), holds: (v) => holds(v, items) };
  };
}

const inCharacters = (says: string, numeric: boolean) => (numeric ? says : `${says} characters long`);

/** What sizes are of: the number where rules ask for one, else the count of characters. */
function sizeOf(value: string, numeric: boolean): number {
  return numeric && isNumeric(value) ? Number(trimmed(value)) : [...value].length;
}

/** PHP's white space. */
const trimmed = (value: string) => value.replace(/^[ \t\n\r\v\f]+|[ \t\n\r\v\f]+$/g, "");

const isBlank = (value: string) => /^\p{White_Space}*$/u.test(value);

const isDigits = (value: string) => /^[0-9]*$/.test(value);

/** PHP's is_numeric. */
function isNumeric(value: string): boolean {
  return /^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(trimmed(value));
}

/** No leading zeros, no decimals, and it fits into 64 bits. */
function isInteger(value: string): boolean {
  const text = trimmed(value);
  if (!/^[+-]?(0|[1-9][0-9]*)$/.test(text)) return false;
  const number = BigInt(text.replace("+", ""));
  return BigInt.asIntN(64, number) === number;
}

const address = z.union([z.ipv4(), z.ipv6()]);

function numbersOf(args: string, count: number): number[] | null {
  const parts = args.split(",");
  return parts.length === count && parts.every(isNumeric) ? parts.map((p) => Number(trimmed(p))) : null;
}

/** Splits the arguments of a rule as PHP does: at commas, with quotes allowed and empty items kept. */
function listOf(args: string): string[] {
  const items = `,${args}`.matchAll(/,(?:"((?:[^"]|"(?!,|$))*)"(?=,|$)|([^,]*))/g);
  return [...items].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "");
}
