/** Whether a node can be given something more, from what was last read of it. Pure. */
import { parseBytes } from "@/lib/quantity";
import { nodeStateWords } from "@/strings";
import { moves as movesWords } from "@/strings/moves";
import type { Node, Resources } from "./types";

/** The first thing that keeps a node from taking something. */
export type Lack = "joining" | "away" | "draining" | "cordoned" | "quarantined" | "memory" | "cpu" | "disk";

interface Asked {
  /** It is waited for: it has to be known, but need not be there. */
  byName?: boolean;
  /** Overrules what people and damping said of it. */
  force?: boolean;
}

/** What a node lacks, or nothing. */
export function lackOf(
  want: Resources,
  node: Node,
  { byName = false, force = false }: Asked = {},
): Lack | null {
  const { state, quarantined, drain, cordoned, capacity } = node;
  const exceeds = (wanted: string, free: string) => (parseBytes(wanted) ?? 0) > (parseBytes(free) ?? 0);
  if (state === "joining") return "joining";
  if (state !== "healthy" && !byName) return "away";
  if (drain) return "draining";
  if (cordoned && !force) return "cordoned";
  if (quarantined && !byName && !force) return "quarantined";
  if (exceeds(want.memory, capacity.memory)) return "memory";
  if (want.cpu > capacity.cpu) return "cpu";
  return exceeds(want.disk, capacity.disk) ? "disk" : null;
}

/** As many nodes are shown at a time; the others are found by their names. */
export const shownFirst = 20;

/** Of those that are called so the first few, and the one that is chosen; and how many more there are. */
export function firstOf<T extends { node: Node }>(places: T[], typed: string, chosen: string) {
  const name = typed.trim().toLowerCase();
  const found = places.filter(({ node }) => node.name.toLowerCase().includes(name));
  const shown = found.filter(({ node }, i) => i < shownFirst || node.id === chosen);
  return { shown, more: found.length - shown.length };
}

export function lackText(lack: Lack, { state }: Node): string {
  const words = movesWords.refusals;
  return lack === "away" ? words.away(nodeStateWords[state]) : words[lack];
}
