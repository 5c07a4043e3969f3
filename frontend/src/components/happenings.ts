/** What happened to a thing, told from what the controller keeps. Pure. */

import type { SeenPhase } from "@/api/merge";
import type { AuditEntry, Container, Job, JobState, Migration, NodeHealth } from "@/api/types";
import type { NodeState, Phase } from "@/live/wire";
import { jobStateWords, moveStateWords, nodeStateWords, phaseWords, strings, triggerWords } from "@/strings";
import type { Tone } from "@/ui/badge";

export interface Happening {
  id: string;
  at: string;
  tone: Tone;
  title: string;
  /** How it ended, why, or what was said of it. */
  detail: string;
  /** Who asked for it. */
  by: string;
}

const words = strings.events;

/** All of them, the newest first. */
export function inOrder(...lists: Happening[][]): Happening[] {
  return lists.flat().sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}

const jobTones: Record<JobState, Tone> = {
  queued: "warn",
  running: "busy",
  succeeded: "ok",
  failed: "bad",
  expired: "warn",
  superseded: "idle",
};

/** A verb and the job that it began are written in one transaction, by two clocks at most. */
const sameActMs = 5000;

/** Jobs with who asked for them, and the verbs that began none. */
export function ofJobs(
  jobs: Job[],
  audit: AuditEntry[],
  nameOf?: (containerId: string) => string | undefined,
) {
  const left = new Set(audit);
  const asked = jobs.map((job): Happening => {
    const entry = [...left].find(
      ({ verb, at, outcome }) =>
        outcome === "ok" &&
        verb === job.kind &&
        Math.abs(Date.parse(at) - Date.parse(job.createdAt)) < sameActMs,
    );
    if (entry) left.delete(entry);
    const name = job.containerId ? nameOf?.(job.containerId) : undefined;
    return {
      id: job.id,
      at: job.createdAt,
      tone: jobTones[job.state],
      title: name ? `${job.kind} · ${name}` : job.kind,
      detail: [jobStateWords[job.state], job.error].filter(Boolean).join(": "),
      by: entry?.actor.name ?? "",
    };
  });
  const others = [...left].map(
    (entry): Happening => ({
      id: entry.id,
      at: entry.at,
      tone: entry.outcome === "ok" ? "idle" : "bad",
      title: entry.verb,
      detail: [entry.outcome === "ok" ? "" : entry.outcome, entry.reason].filter(Boolean).join(": "),
      by: entry.actor.name ?? "",
    }),
  );
  return [...asked, ...others];
}

const moveTones: Record<Migration["status"], Tone> = {
  idle: "idle",
  migrating: "busy",
  completed: "ok",
  failed: "bad",
};

/** A move is told twice: when it begins with why, and when it ends with how. */
export function ofMoves(moves: Migration[], nameOf: (nodeId: string | undefined) => string): Happening[] {
  return moves.flatMap((m) => {
    const way = words.move(nameOf(m.fromNodeId), nameOf(m.toNodeId ?? m.targetNodeId));
    const why = [triggerWords[m.trigger], m.reason].filter(Boolean).join(": ");
    const begin: Happening = { id: m.id, at: m.createdAt, tone: "busy", title: way, detail: why, by: "" };
    if (!m.finishedAt) return [begin];
    const title = `${way}: ${moveStateWords[m.state]}`;
    const tone = moveTones[m.status];
    return [begin, { id: `${m.id}/end`, at: m.finishedAt, tone, title, detail: m.error ?? "", by: "" }];
  });
}

const phaseTones: Record<Phase, Tone> = {
  pending: "idle",
  pulling: "busy",
  installing: "busy",
  creating: "busy",
  starting: "busy",
  running: "ok",
  stopping: "busy",
  stopped: "idle",
  crashed: "bad",
  failed: "bad",
  removed: "idle",
};

/** What its node said of it: the last that is known, and whatever was seen to come after that. */
export function ofPhases({ id, observed }: Container, seen: SeenPhase[]): Happening[] {
  const first = seen.length > 0 ? seen[0]?.before : observed;
  const told = seen.map(({ at, phase, reason }): Happening => phaseHappening(id, at, phase, reason));
  const at = first?.phase === "running" ? (first.startedAt ?? first.at) : first?.at;
  if (!first || !at) return told;
  const exit =
    first.exitCode !== undefined && first.phase !== "running" ? words.exit(first.exitCode, first.oom) : "";
  const reason = [first.reason, exit].filter(Boolean).join(" · ");
  return [phaseHappening(id, at, first.phase, reason), ...told];
}

function phaseHappening(id: string, at: string, phase: Phase, reason = ""): Happening {
  const tone = phaseTones[phase];
  return { id: `${id}/${at}/${phase}`, at, tone, title: phaseWords[phase], detail: reason, by: "" };
}

const nodeTones: Record<NodeState, Tone> = {
  joining: "idle",
  healthy: "ok",
  suspect: "warn",
  unhealthy: "bad",
  returning: "busy",
};

const isNodeState = (state: string): state is NodeState => Object.hasOwn(nodeStateWords, state);

export function ofTransitions(transitions: NodeHealth["transitions"]): Happening[] {
  return transitions.map(({ at, to, reason }) => ({
    id: `${at}/${to}`,
    at,
    tone: isNodeState(to) ? nodeTones[to] : "idle",
    title: isNodeState(to) ? nodeStateWords[to] : to,
    detail: reason,
    by: "",
  }));
}
