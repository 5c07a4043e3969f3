/** What can be asked of a container, and what it is on its way to. */
import type { ContainerVerb } from "@/api/endpoints";
import type { Container } from "@/api/types";
import type { NodeState, Phase, Power } from "@/live/wire";

/**
 * The verbs that make sense in each phase. A record, so that a new phase does
 * not compile before somebody has thought about it.
 */
const byPhase: Record<Phase, readonly ContainerVerb[]> = {
  pending: ["start", "stop", "delete"],
  pulling: ["start", "stop", "delete"],
  installing: ["start", "stop", "kill", "delete"],
  creating: ["start", "stop", "delete"],
  starting: ["start", "stop", "restart", "kill", "delete"],
  running: ["start", "stop", "restart", "kill", "delete"],
  stopping: ["start", "stop", "kill", "delete"],
  stopped: ["start", "stop", "delete"],
  crashed: ["start", "stop", "restart", "delete"],
  failed: ["start", "stop", "delete"],
  removed: [],
};

/** Which power a lifecycle verb asks for: one that is wanted already is not offered. */
export const asksFor: Record<ContainerVerb, Power | null> = {
  start: "running",
  stop: "stopped",
  restart: null,
  kill: null,
  delete: "absent",
};

export function verbsFor(container: Pick<Container, "phase" | "power">): ContainerVerb[] {
  if (container.power === "absent") return [];
  return byPhase[container.phase].filter((verb) => {
    if (verb === "restart") return container.power === "running";
    return asksFor[verb] !== container.power;
  });
}

/** Whether there is a program that reads what is typed. */
export const hasConsole = ({ phase }: Pick<Container, "phase">): boolean =>
  phase === "starting" || phase === "running" || phase === "stopping";

export type Outlook =
  | { kind: "settled" }
  | { kind: "retrying" }
  /** The controller has not said yet that it will be so. */
  | { kind: "asking"; want: Power }
  | { kind: "working"; want: Power }
  /** The node cannot hear of it now: nothing happens until it is back. */
  | { kind: "queued"; want: Power };

/** Where each power comes to rest. */
const restsIn: Record<Power, Phase> = { running: "running", stopped: "stopped", absent: "removed" };

const hears: Record<NodeState, boolean> = {
  joining: false,
  healthy: true,
  suspect: false,
  unhealthy: false,
  returning: true,
};

/** Whether what is shown of a node's containers is the present. */
export const reachable = (state: NodeState | undefined): boolean => state === undefined || hears[state];

export function outlookOf(
  container: Pick<Container, "phase" | "power">,
  node: NodeState | undefined,
  wish?: Power,
): Outlook {
  const { phase, power } = container;
  if (wish && wish !== power) return { kind: "asking", want: wish };
  if (phase === restsIn[power]) return { kind: "settled" };
  if (!reachable(node)) return { kind: "queued", want: power };
  if (power === "running" && (phase === "crashed" || phase === "failed")) return { kind: "retrying" };
  if (power === "stopped" && (phase === "crashed" || phase === "failed")) return { kind: "settled" };
  return { kind: "working", want: power };
}
