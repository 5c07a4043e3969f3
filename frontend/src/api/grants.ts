/** What somebody may do, by what the controller granted. Pure; the controller decides, this only hides what it would refuse. */
import type { Me } from "./types";

export type Grants = Me["grants"];

/** What a verb is done to; whatever of it is known. */
export interface Target {
  container?: string;
  node?: string;
  cluster?: string | undefined;
  owner?: string | undefined;
}

/** Whether a pattern such as container.* takes in a permission. */
export function covers(pattern: string, permission: string): boolean {
  if (pattern === "*" || pattern === permission) return true;
  return pattern.endsWith(".*") && permission.startsWith(pattern.slice(0, -1));
}

/** Without a target: whether it may be done anywhere. */
export function allows(me: Pick<Me, "grants">, permission: string, target?: Target): boolean {
  return me.grants.some((g) => covers(g.permission, permission) && (!target || reaches(g, target)));
}

function reaches({ scope, scopeId }: Grants[number], target: Target): boolean {
  switch (scope) {
    case "global":
      return true;
    case "owned":
      return scopeId !== undefined && target.owner === scopeId;
    default:
      return scopeId !== undefined && target[scope] === scopeId;
  }
}
