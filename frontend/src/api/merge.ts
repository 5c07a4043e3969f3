/**
 * What a live message makes of what is on the screen: pure, and the same
 * object where the message says nothing new, so that nothing is drawn again.
 */
import { beganLater, supersedes } from "@/live/order";
import type { ContainerNews, FleetEvent, Health, Heartbeat, Phase } from "@/live/wire";
import type { Container, Job, JobState, Node, NodeLive, Observed, Page } from "./types";

/** A list as the query cache holds it. */
export interface Pages<T> {
  pages: Page<T>[];
  pageParams: unknown[];
}

/** Applies `change` to every item, sharing whatever stays the same. */
export function mapPages<T>(pages: Pages<T>, change: (item: T) => T): Pages<T> {
  const next = pages.pages.map((page) => {
    const items = page.items.map(change);
    return items.every((item, i) => item === page.items[i]) ? page : { ...page, items };
  });
  return next.every((page, i) => page === pages.pages[i]) ? pages : { ...pages, pages: next };
}

/** Leaves out what is `gone`, sharing whatever stays the same. */
export function dropFrom<T>(pages: Pages<T>, gone: (item: T) => boolean): Pages<T> {
  if (!pages.pages.some((page) => page.items.some(gone))) return pages;
  return {
    ...pages,
    pages: pages.pages.map((page) => ({ ...page, items: page.items.filter((item) => !gone(item)) })),
  };
}

export function mergeContainer(shown: Container, news: ContainerNews): Container {
  if (!supersedes(news, shown)) return shown;
  const reason = news.reason ?? "";
  const same =
    news.epoch === shown.epoch &&
    news.generation === shown.generation &&
    news.phase === shown.phase &&
    news.power === shown.power &&
    reason === reasonOf(shown) &&
    news.migration_status === shown.migration_status;
  if (same) return shown;
  const { phase, power, epoch, generation } = news;
  return {
    ...shown,
    nodeId: news.nodeId ?? shown.nodeId,
    epoch,
    generation,
    power,
    phase,
    migration_status: migrationOf(news) ?? shown.migration_status,
    observed: { at: null, ...shown.observed, phase, reason, epoch, generation },
  };
}

/** A phase that a container was seen to come into, and what was known of it before. */
export interface SeenPhase {
  at: string;
  phase: Phase;
  reason: string;
  before?: Observed;
}

/** The phases that somebody who looks at a container has seen it go through. */
export function withSeen(seen: SeenPhase[], shown: Container, news: ContainerNews, at: string): SeenPhase[] {
  if (!supersedes(news, shown)) return seen;
  const { phase, reason = "" } = news;
  const last = seen.at(-1) ?? { phase: shown.phase, reason: reasonOf(shown) };
  if (last.phase === phase && last.reason === reason) return seen;
  const before = seen.length === 0 && shown.observed ? { before: shown.observed } : {};
  const kept = seen.length < mostSeen ? seen : [{ ...seen[0], ...seen[1] } as SeenPhase, ...seen.slice(2)];
  return [...kept, { at, phase, reason, ...before }];
}

const mostSeen = 100;

/** Why it is as it is, as far as that was said of its present place. */
export function reasonOf(container: Pick<Container, "observed" | "epoch">): string {
  const { observed, epoch } = container;
  return (observed?.epoch === epoch && observed.reason) || "";
}

const migrations: Record<Container["migration_status"], true> = {
  idle: true,
  migrating: true,
  completed: true,
  failed: true,
};

function migrationOf({ migration_status: status }: ContainerNews): Container["migration_status"] | undefined {
  return Object.hasOwn(migrations, status) ? (status as Container["migration_status"]) : undefined;
}

export function mergeHealth(shown: Node, health: Health): Node {
  if (!beganLater(health.since, shown.since)) return shown;
  if (health.state === shown.state && health.since === shown.since && health.reason === shown.reason) {
    return shown;
  }
  return { ...shown, state: health.state, since: health.since, reason: health.reason };
}

export function mergeHeartbeat(shown: Node, heartbeat: Heartbeat): Node {
  const live = liveOf(heartbeat);
  return live ? { ...shown, live, lastHeartbeat: heartbeat.timestamp } : shown;
}

/** Most heartbeats are short: only some carry what the node uses. */
function liveOf(h: Heartbeat): NodeLive | null {
  if (h.cpu_used === undefined || h.memory_used === undefined) return null;
  return {
    dockerOk: h.docker_ok,
    guardOk: h.guard_ok,
    usage: { cpu: h.cpu_used, memory: String(h.memory_used), disk: String(h.disk_used ?? 0) },
    uptimeSeconds: h.uptime_s ?? 0,
    containers: h.containers ?? 0,
  };
}

const jobRank: Record<JobState, number> = {
  queued: 0,
  running: 1,
  succeeded: 2,
  failed: 2,
  expired: 2,
  superseded: 2,
};

/** A job only moves forward: what arrives late never takes it back. */
export function mergeJob(shown: Job, event: FleetEvent): Job {
  const state = event.state as JobState | undefined;
  if (state === undefined || !(state in jobRank)) return shown;
  return jobRank[state] > jobRank[shown.state] ? { ...shown, state } : shown;
}
