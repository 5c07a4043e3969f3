/** What is known of moves, and of where a container could move to. Pure. */
import { lackOf, lackText } from "@/api/room";
import type { Container, Migration, MigrationState, Node } from "@/api/types";
import { moves as words } from "@/strings/moves";

/** A record, so that a new state does not compile before somebody has thought about it. */
const final: Record<MigrationState, boolean> = {
  queued: false,
  reserved: false,
  stopping: false,
  fencing: false,
  starting: false,
  rolling_back: false,
  completed: true,
  failed: true,
  rolled_back: true,
  cancelled: true,
};

export const isOpen = ({ state }: Pick<Migration, "state">): boolean => !final[state];

/** One that the container was handed over in is no more called off but rolled back. */
export const mayCancel = (m: Migration): boolean =>
  isOpen(m) && m.toEpoch === undefined && m.state !== "rolling_back";

/** Only the move that brought the container where it is can be taken back. */
export const mayRollBack = (m: Migration, { epoch }: Pick<Container, "epoch">): boolean =>
  m.state !== "rolling_back" && m.toEpoch === epoch;

export interface Prospect {
  node: Node;
  /** Why not, or nothing. */
  refusal: string;
}

/** Every node, those that can take the container first, and why the others cannot, not even by force. */
export function prospectsFor(
  container: Pick<Container, "nodeId" | "resources">,
  nodes: Node[],
  force: boolean,
): Prospect[] {
  return nodes
    .map((node) => ({ node, refusal: refusalOf(container, node, force) }))
    .sort((a, b) => Number(!!a.refusal) - Number(!!b.refusal) || a.node.name.localeCompare(b.node.name));
}

function refusalOf(
  { nodeId, resources }: Pick<Container, "nodeId" | "resources">,
  node: Node,
  force: boolean,
): string {
  if (node.id === nodeId) return words.refusals.here;
  const lack = lackOf(resources, node, { force });
  return lack ? lackText(lack, node) : "";
}

export interface Step {
  name: string;
  at: string;
  /** Since the step before it. */
  ms: number;
}

/** What a move went through, in the order in which it happened: with overlap, it runs before it stops. */
export function stepsOf(m: Migration): Step[] {
  const named: Array<[string, string | undefined]> = [
    [words.steps.queued, m.createdAt],
    [words.steps.reserved, m.reservedAt],
    [words.steps.stopping, m.stoppingAt],
    [words.steps.stopped, m.stoppedAt],
    [words.steps.switched, m.switchedAt],
    [words.steps.running, m.runningAt],
  ];
  const passed = named
    .flatMap(([name, at]) => (at ? [{ name, at, time: Date.parse(at) }] : []))
    .sort((a, b) => a.time - b.time);
  return passed.map(({ name, at, time }, i) => ({ name, at, ms: time - (passed[i - 1]?.time ?? time) }));
}

/** How long it took, or null while it goes on. */
export const tookMs = ({ createdAt, finishedAt }: Migration): number | null =>
  finishedAt ? Date.parse(finishedAt) - Date.parse(createdAt) : null;

/** "1.4 s" where a second matters, "3 min" where it does not. */
export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}
