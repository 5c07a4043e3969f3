/** The states of a node over time, as a strip. Pure. */
import type { NodeHealth } from "@/api/types";
import type { NodeState } from "@/live/wire";
import { nodeStateWords } from "@/strings";

export interface Stretch {
  state: NodeState;
  /** 0…1 of the strip. */
  share: number;
}

type Transition = Pick<NodeHealth["transitions"][number], "at" | "from" | "to">;

const isState = (text: string): text is NodeState => Object.hasOwn(nodeStateWords, text);

/**
 * What it was from `now - spanMs` until now, in the order of time. Before the
 * first transition that is known it was what that one left.
 */
export function stretchesOf(
  transitions: Transition[],
  state: NodeState,
  now: number,
  spanMs: number,
): Stretch[] {
  const begin = now - spanMs;
  const known = transitions
    .map(({ at, from, to }) => ({ at: Date.parse(at), from, to }))
    .filter(({ at }) => at <= now)
    .sort((a, b) => a.at - b.at);
  const stretches: Stretch[] = [];
  let since = begin;
  let was = known[0]?.from ?? state;
  const close = (until: number) => {
    if (until > since && isState(was)) stretches.push({ state: was, share: (until - since) / spanMs });
    since = Math.max(since, until);
  };
  for (const { at, to } of known) {
    close(at);
    was = to;
  }
  close(now);
  return stretches;
}
