import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { patternOf } from "./pattern";
import { choicesOf, complaintOf, wordsOf } from "./rules";

interface Case {
  browser?: string; // set where only the controller judges
  rules: string[];
  good: string[];
  bad?: Record<string, string>;
}

/** What shared/egg is held to, too: see its rules_test.go. */
const cases: Case[] = JSON.parse(
  readFileSync(resolve(import.meta.dirname, "../../../../shared/egg/testdata/rules.json"), "utf8"),
);

describe("rules judge as the controller does", () => {
  it.each(cases.map((c) => [c.rules.join(" "), c] as const))(
    "%s",
    (_, { browser, rules, good, bad = {} }) => {
      for (const value of good) expect([value, complaintOf(rules, value)]).toEqual([value, ""]);
      for (const [value, says] of Object.entries(bad))
        expect([value, complaintOf(rules, value)]).toEqual([value, browser ? "" : says]);
    },
  );
});

it.each(["unheard_of", "max:x", "between:1", "digits:", "in", "regex:", "regex:abc", "regex:/a/x"])(
  "leaves the broken rule %j to the controller",
  (rule) => expect(complaintOf([rule], "value")).toBe(""),
);

describe("patterns are translated only where they mean the same", () => {
  it.each([
    ["/a(?=b)/", "RE2 has no look-around"],
    ["/(?P<n>a)/", "names of groups are written otherwise"],
    ["/a\\z/", "no such escape"],
    ["/\\x{61}/", "no such escape"],
    ["/[a\\b]/", "a bell, or a border"],
    ["/[a[:digit:]]/", "a class in a class"],
    ["/[\\S]/", "white space is ASCII to RE2"],
    ["/a{,2/", "cannot be read"],
    ["/(a|(b*c))*/", "loops in loops can hang"],
    ["/(x+y){2,}/", "loops in loops can hang"],
    ["/^(\\w|\\d)+$/", "so can loops of what matches in two ways"],
    ["/^(a?b?)*$/", "so can loops of what may be left out"],
    ["/^(a{1,2}){1,99}$/", "so can long ones that end"],
    ["/^(a+){2,5}$/", "so can loops that are repeated a few times"],
    ["/^((a{1,8}){8}){8}$/", "so can few times few times few"],
    ["/^\\w*\\w*\\w*\\w*$/", "so can many beside one another"],
    ["/a)b(/", "a group is closed that was not opened"],
    ["/a/U", "greed is turned around"],
    ["\\a\\", "no delimiter"],
    ["/", "no pattern"],
  ])("%s: %s", (text) => expect(patternOf(text)).toBeNull());

  it.each([
    ["/^\\s$/", "\u00a0", false], // RE2's white space is ASCII
    ["/^[\\s]$/", "\u2003", false],
    ["/^.$/", "\u2028", true], // but for a line feed, a dot is anything
    ["/^.$/", "\n", false],
    ["/^.$/s", "\n", true],
    ["/^(?:a*|b)c+$/", "aac", true],
    ["/^(a+b){2}$/", "aabab", true],
    ["/^\\d+\\.\\d+(\\.\\d+)?$/", "1.20.4", true],
    ["/^a(b{0,60}c)?$/", "abbc", true],
    ["/^(\\d{1,3}\\.){3}\\d{1,3}$/", "10.0.0.1", true],
    ["/^(https?:)?(ab)+$/", "http:abab", true],
    ["/^[^]$/", "x", null],
    ["/^[a\\-z.*(]+$/", "a-.*(", true],
  ])("%s on %j: %s", (text, value, matches) => expect(patternOf(text)?.test(value) ?? null).toBe(matches));
});

it("says rules in words", () => {
  expect(wordsOf(["required", "string", "max:20", "alpha_dash"])).toBe(
    "must be at most 20 characters long, have only letters, digits, dashes and underscores",
  );
  expect(wordsOf(["nullable", "unheard_of"])).toBe("");
});

it("offers the values that rules name", () => {
  expect(choicesOf(["required", "in:easy,hard"])).toEqual(["easy", "hard"]);
  expect(choicesOf(["nullable", "in:easy,hard"])).toEqual(["", "easy", "hard"]);
  expect(choicesOf(["required", "boolean"])).toEqual(["1", "0"]);
  expect(choicesOf(["in:,a,bb", "min:2"])).toEqual(["", "bb"]);
  expect(choicesOf(["string"])).toBeNull();
});
