/** Which permissions a token of one's own can have, and how to say it. Pure. */
import { covers, type Grants } from "@/api/grants";
import type { Permission } from "@/api/types";

/** Those that one has oneself, wherever that is. */
export function heldOf(all: Permission[], grants: Grants): Permission[] {
  return all.filter((p) => grants.some((g) => covers(g.permission, p.permission)));
}

export const nounOf = (permission: string) => permission.split(".")[0] ?? "";

export interface Group {
  noun: string;
  permissions: Permission[];
}

export function groupsOf(permissions: Permission[]): Group[] {
  const groups = new Map<string, Permission[]>();
  for (const p of permissions) {
    const noun = nounOf(p.permission);
    groups.set(noun, [...(groups.get(noun) ?? []), p]);
  }
  return [...groups].map(([noun, of]) => ({ noun, permissions: of }));
}
