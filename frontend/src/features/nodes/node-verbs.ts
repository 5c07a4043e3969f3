/** What can be asked of a node. Pure. */
import type { Node } from "@/api/types";
import type { NodeState } from "@/live/wire";

export type NodeVerb = "cordon" | "uncordon" | "drain" | "dead" | "edit" | "rotate" | "revoke" | "remove";

/** Which permission each needs. */
export const needs: Record<NodeVerb, string> = {
  cordon: "node.cordon",
  uncordon: "node.cordon",
  drain: "node.drain",
  dead: "node.confirm-dead",
  edit: "node.edit",
  rotate: "node.credential.rotate",
  revoke: "node.credential.revoke",
  remove: "node.delete",
};

/** Only of a node that is not heard can somebody else say that it is dead. */
const unheard: Record<NodeState, boolean> = {
  joining: false,
  healthy: false,
  suspect: true,
  unhealthy: true,
  returning: false,
};

export function verbsFor({ state, cordoned, quarantined, drain }: Node): NodeVerb[] {
  const verbs: NodeVerb[] = [];
  if (!cordoned) verbs.push("cordon");
  if ((cordoned || quarantined) && !drain) verbs.push("uncordon");
  if (!drain && state !== "joining") verbs.push("drain");
  if (unheard[state]) verbs.push("dead");
  verbs.push("edit", "rotate", "revoke", "remove");
  return verbs;
}
