/**
 * The part of the MQTT contract that people may see, mirrored from
 * shared/wire/message.go and tested against its golden payloads. Unknown
 * fields are ignored, so that a newer controller may add some.
 */
import * as z from "zod/mini";

const prefix = "lormas/v1/";

/** The topics a dashboard subscribes to. */
export const topics = {
  nodeHealth: `${prefix}nodes/+/health`,
  nodeHeartbeat: `${prefix}nodes/+/heartbeat`,
  containerState: `${prefix}containers/+/state`,
  fleetEvents: `${prefix}events`,
  containerStats: (node: string, container: string) => `${prefix}nodes/${node}/containers/${container}/stats`,
} as const;

const phases = [
  "pending",
  "pulling",
  "installing",
  "creating",
  "starting",
  "running",
  "stopping",
  "stopped",
  "crashed",
  "failed",
  "removed",
] as const;
export type Phase = (typeof phases)[number];

const powers = ["running", "stopped", "absent"] as const;
export type Power = (typeof powers)[number];

const nodeStates = ["joining", "healthy", "suspect", "unhealthy", "returning"] as const;
export type NodeState = (typeof nodeStates)[number];

const receipts = ["queued", "delivered", "applied", "failed", "expired", "superseded"] as const;
export type Receipt = (typeof receipts)[number];

const head = <T extends string>(type: T) => ({ v: z.literal(1), type: z.literal(type) });
const id = z.string();
const time = z.string();

const health = z.object({
  ...head("health"),
  nodeId: id,
  status: z.enum(["healthy", "unhealthy"]),
  state: z.enum(nodeStates),
  since: time,
  reason: z.string(),
});
export type Health = z.infer<typeof health>;

const heartbeat = z.object({
  ...head("heartbeat"),
  nodeId: id,
  status: z.enum(["online", "offline"]),
  timestamp: time,
  seq: z.optional(z.number()),
  applied_rev: z.optional(z.number()),
  docker_ok: z.boolean(),
  guard_ok: z.boolean(),
  // Telemetry comes at least once a minute and on change, all or nothing.
  cpu_allocatable: z.optional(z.number()),
  cpu_used: z.optional(z.number()),
  memory_allocatable: z.optional(z.number()),
  memory_used: z.optional(z.number()),
  disk_allocatable: z.optional(z.number()),
  disk_used: z.optional(z.number()),
  uptime_s: z.optional(z.number()),
  containers: z.optional(z.number()),
  agent_version: z.optional(z.string()),
});
export type Heartbeat = z.infer<typeof heartbeat>;

const containerNews = z.object({
  ...head("container_state"),
  containerId: id,
  nodeId: z.optional(id),
  name: z.string(),
  power: z.enum(powers),
  phase: z.enum(phases),
  reason: z.optional(z.string()),
  epoch: z.number(),
  generation: z.number(),
  migration_status: z.string(),
});
export type ContainerNews = z.infer<typeof containerNews>;

const fleetEvent = z.object({
  ...head("event"),
  kind: z.string(),
  at: time,
  nodeId: z.optional(id),
  containerId: z.optional(id),
  jobId: z.optional(id),
  state: z.optional(z.string()),
  message: z.optional(z.string()),
});
export type FleetEvent = z.infer<typeof fleetEvent>;

const stats = z.object({
  ...head("stats"),
  at: time,
  cpu_cores: z.number(),
  memory_bytes: z.number(),
  memory_limit_bytes: z.number(),
  net_rx_bytes: z.number(),
  net_tx_bytes: z.number(),
  block_read_bytes: z.number(),
  block_write_bytes: z.number(),
  pids: z.number(),
});
export type Stats = z.infer<typeof stats>;

const logChunk = z.object({
  ...head("logs"),
  stream: z.string(),
  seq: z.number(),
  book: z.optional(z.string()),
  first: z.optional(z.number()),
  lines: z.optional(z.number()),
  source: z.optional(z.string()),
  data: z.optional(z.string()),
  gap: z.optional(z.object({ from: z.number(), to: z.number() })),
  eof: z.optional(z.boolean()),
  error: z.optional(z.string()),
});

const usage = z.object({
  ...head("usage"),
  at: time,
  containers: z.array(
    z.object({
      containerId: id,
      running: z.boolean(),
      cpu_cores: z.number(),
      memory_bytes: z.number(),
      memory_limit_bytes: z.number(),
      disk_bytes: z.number(), // of the volumes; -1: they cannot be measured
      disk_limit_bytes: z.number(),
    }),
  ),
});
export type Usage = z.infer<typeof usage>;

const message = z.discriminatedUnion("type", [
  health,
  heartbeat,
  containerNews,
  fleetEvent,
  stats,
  logChunk,
  usage,
]);
export type Message = z.infer<typeof message>;

/** Reads a payload, or null for what is no message of ours in this version. */
export function parseMessage(payload: string): Message | null {
  let json: unknown;
  try {
    json = JSON.parse(payload);
  } catch {
    return null;
  }
  const parsed = message.safeParse(json);
  return parsed.success ? parsed.data : null;
}
