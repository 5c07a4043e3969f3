/** The permissions of a role, as a tree of nouns and verbs. Pure. */
import { covers } from "@/api/grants";
import type { Permission } from "@/api/types";

/** Where a role has something from: covered is by a wider pattern of its own. */
export type Hold = "own" | "inherited" | "covered" | "none";

export interface Leaf {
  pattern: string;
  description: string;
  hold: Hold;
}

export interface Branch {
  noun: string;
  hold: Hold; // of the whole noun
  leaves: Leaf[];
}

export interface Tree {
  hold: Hold; // of everything
  branches: Branch[];
}

export function treeOf(all: Permission[], own: string[], inherited: string[]): Tree {
  const branches = new Map<string, Branch>();
  for (const { permission, description } of all) {
    const noun = permission.split(".")[0] ?? "";
    const branch = branches.get(noun) ?? { noun, hold: holdOf(`${noun}.*`, own, inherited), leaves: [] };
    branch.leaves.push({ pattern: permission, description, hold: holdOf(permission, own, inherited) });
    branches.set(noun, branch);
  }
  return { hold: holdOf("*", own, inherited), branches: [...branches.values()] };
}

function holdOf(pattern: string, own: string[], inherited: string[]): Hold {
  if (own.includes(pattern)) return "own";
  if (own.some((held) => covers(held, pattern))) return "covered";
  return inherited.some((held) => covers(held, pattern)) ? "inherited" : "none";
}

/** Gives or takes a pattern; what it takes in need not be said any more. */
export function toggled(own: string[], pattern: string): string[] {
  if (own.includes(pattern)) return own.filter((held) => held !== pattern);
  return [...own.filter((held) => !covers(pattern, held)), pattern].sort();
}
