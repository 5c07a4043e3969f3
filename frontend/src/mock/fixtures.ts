/** A small fleet for development, screenshots and tests. */
import type {
  AuditEntry,
  Cluster,
  Container,
  Egg,
  EggCategory,
  Fleet,
  Job,
  Migration,
  Node,
  Observed,
} from "@/api/types";
import type { Phase } from "@/live/wire";

/** A fixed id that looks like ours: `kind` keeps those of two nouns apart. */
export function uuid(kind: number, n: number): string {
  return `0192f0c1-${String(kind).padStart(4, "0")}-7000-8000-${String(n).padStart(12, "0")}`;
}

export const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();

export function node(change: Partial<Node> = {}): Node {
  return {
    id: uuid(1, 1),
    name: "depot-1",
    description: "",
    generation: 1,
    labels: {},
    portPools: [],
    status: "healthy",
    state: "healthy",
    since: ago(3 * 86_400),
    reason: "",
    lastHeartbeat: ago(4),
    hostname: "depot-1.lan",
    arch: "amd64",
    agentVersion: "0.1.0",
    dockerVersion: "20.10.24",
    joinedAt: ago(9 * 86_400),
    createdAt: ago(9 * 86_400),
    rev: 12,
    appliedRev: 12,
    cordoned: false,
    quarantined: false,
    offer: { cpu: 4, memory: "8g", disk: "80g" },
    capacity: { cpu: 2.5, memory: "5g", disk: "60g" },
    reserved: { cpu: 1.5, memory: "3g", disk: "20g" },
    live: {
      dockerOk: true,
      guardOk: true,
      usage: { cpu: 0.8, memory: "2662m", disk: "21g" },
      uptimeSeconds: 740_000,
      containers: 3,
    },
    ...change,
  };
}

export function container(change: Partial<Container> = {}): Container {
  return {
    id: uuid(2, 1),
    name: "web-front",
    eggId: uuid(3, 1),
    nodeId: uuid(1, 1),
    type: "standard",
    image: "lormas/demo:1",
    power: "running",
    phase: "running",
    epoch: 1,
    generation: 1,
    migration_status: "idle",
    resources: { cpu: 0.5, memory: "256m", disk: "1g" },
    environment: { PORT: "80", GREETING: "Hello from the depot", API_KEY: "do-not-show" },
    secrets: [],
    ports: [{ host: 8080, container: 80, protocol: "tcp" }],
    observed: observed("running"),
    volumes: [{ host: "web-data", container: "/app/data" }],
    createdAt: ago(86_400),
    updatedAt: ago(3600),
    ...change,
  };
}

export function observed(phase: Phase, reason = ""): Observed {
  return { at: ago(30), phase, reason, epoch: 1, generation: 1, restarts: 0, startedAt: ago(3600) };
}

export function egg(change: Partial<Egg> = {}): Egg {
  return {
    id: uuid(3, 1),
    name: "Demo web server",
    description: "Answers with a greeting. Made from scratch, so that no registry is needed.",
    author: "lormas",
    images: [{ name: "default", image: "lormas/demo:1" }],
    ports: [{ container: 80 }],
    volumes: [],
    variables: [
      {
        name: "Greeting",
        description: "What visitors read",
        env: "GREETING",
        default: "Hello",
        rules: ["required", "string", "max:80"],
        user_viewable: true,
        user_editable: true,
      },
      {
        name: "Port",
        description: "Where the server listens",
        env: "PORT",
        default: "80",
        rules: ["required", "integer"],
        user_viewable: true,
        user_editable: true,
      },
    ],
    generation: 1,
    createdAt: ago(9 * 86_400),
    updatedAt: ago(2 * 86_400),
    ...change,
  };
}

export function job(change: Partial<Job> = {}): Job {
  const at = change.createdAt ?? ago(60);
  return {
    id: uuid(4, 1),
    kind: "container.start",
    state: "queued",
    nodeId: uuid(1, 1),
    containerId: uuid(2, 1),
    progress: 0,
    step: "",
    error: "",
    createdAt: at,
    commands: [{ id: uuid(5, 1), nodeId: uuid(1, 1), action: "start", receipt: "queued", queuedAt: at }],
    ...change,
  };
}

export function auditEntry(change: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id: uuid(6, 1),
    at: ago(120),
    actor: { kind: "user", name: "admin@lormas.local" },
    verb: "container.create",
    target: { kind: "container", id: uuid(2, 1), name: "web-front" },
    outcome: "ok",
    reason: "",
    address: "127.0.0.1",
    ...change,
  };
}

/** One that brought the first container where it is. */
export function migration(change: Partial<Migration> = {}): Migration {
  return {
    id: uuid(8, 1),
    containerId: uuid(2, 1),
    trigger: "failover",
    status: "completed",
    state: "completed",
    reason: "node van-12 was lost",
    fromNodeId: uuid(1, 2),
    toNodeId: uuid(1, 1),
    fromEpoch: 0,
    toEpoch: 1,
    force: false,
    overlap: false,
    attempt: 1,
    priority: 0,
    leftover: "gone",
    createdAt: ago(1260),
    switchedAt: ago(1258),
    runningAt: ago(1254),
    finishedAt: ago(1254),
    overlapMs: 0,
    ...change,
  };
}

export function cluster(change: Partial<Cluster> = {}): Cluster {
  return {
    id: uuid(9, 1),
    name: "depot",
    description: "Machines that stay where they are",
    generation: 1,
    profile: "standard",
    window: "30s",
    exclusive: true,
    outage_policy: "hold",
    createdAt: ago(9 * 86_400),
    ...change,
  };
}

export function category(change: Partial<EggCategory> = {}): EggCategory {
  return {
    id: uuid(10, 1),
    name: "Web",
    description: "Servers of pages",
    generation: 1,
    createdAt: ago(9 * 86_400),
    ...change,
  };
}

/** Everything the mock controller begins with. */
export interface World {
  nodes: Node[];
  containers: Container[];
  eggs: Egg[];
  jobs: Job[];
  audit: AuditEntry[];
  migrations: Migration[];
  clusters: Cluster[];
  categories: EggCategory[];
  holds: Fleet["holds"];
  operatorReason: string;
}

export const emptyWorld = (): World => ({
  nodes: [],
  containers: [],
  eggs: [],
  jobs: [],
  audit: [],
  migrations: [],
  clusters: [],
  categories: [],
  holds: [],
  operatorReason: "",
});

export function smallWorld(): World {
  return {
    nodes: [
      node(),
      node({
        id: uuid(1, 2),
        name: "van-12",
        hostname: "van-12",
        state: "unhealthy",
        since: ago(1260),
        reason: "no heartbeat for 30 s",
        lastHeartbeat: ago(1290),
      }),
      node({
        id: uuid(1, 3),
        name: "shop-nord",
        hostname: "shop-nord.local",
        state: "suspect",
        since: ago(8),
        reason: "connection lost",
        lastHeartbeat: ago(9),
        offer: { cpu: 2, memory: "4g", disk: "30g" },
        capacity: { cpu: 1.5, memory: "3840m", disk: "29g" },
        live: {
          dockerOk: true,
          guardOk: true,
          usage: { cpu: 1.93, memory: "3482m", disk: "11g" },
          uptimeSeconds: 90_000,
          containers: 1,
        },
      }),
      withoutUsage(
        node({
          id: uuid(1, 4),
          name: "shop-süd",
          hostname: "",
          state: "joining",
          since: ago(400),
          reason: "waiting for the agent",
          agentVersion: "",
          dockerVersion: "",
          offer: { cpu: 0, memory: "0", disk: "0" },
          capacity: { cpu: 0, memory: "0", disk: "0" },
          reserved: { cpu: 0, memory: "0", disk: "0" },
        }),
      ),
    ],
    containers: [
      container(),
      container({
        id: uuid(2, 2),
        name: "mqtt-bridge",
        phase: "crashed",
        observed: observed("crashed", "exit code 137: out of memory; next start in 40 s"),
        ports: [],
      }),
      container({
        id: uuid(2, 3),
        name: "db-backup",
        phase: "pulling",
        observed: observed("pulling", "pulling lormas/backup:3 (40 %)"),
        ports: [{ host: 20001, container: 5432, protocol: "tcp" }],
      }),
      container({ id: uuid(2, 4), name: "van-tracker", nodeId: uuid(1, 2), power: "stopped" }),
      container({
        id: uuid(2, 5),
        name: "van-telemetry",
        nodeId: uuid(1, 2),
        ports: [
          { host: 8081, container: 80, protocol: "tcp" },
          { host: 9000, container: 9000, protocol: "udp" },
        ],
      }),
      container({ id: uuid(2, 6), name: "kiosk", nodeId: uuid(1, 3) }),
      container({ id: uuid(2, 7), name: "nightly-report", phase: "stopped", power: "stopped", ports: [] }),
      container({
        id: uuid(2, 8),
        name: "camera-relay",
        phase: "failed",
        observed: observed(
          "failed",
          "image lormas/relay:9 cannot be pulled: no such image; check its name and tag",
        ),
      }),
    ],
    eggs: [
      egg(),
      egg({
        id: uuid(3, 2),
        name: "Mosquitto",
        description: "An MQTT broker",
        images: [{ name: "2.0", image: "eclipse-mosquitto:2.0" }],
        variables: [],
      }),
    ],
    jobs: smallJobs(),
    audit: smallAudit(),
    migrations: [migration()],
    clusters: [cluster()],
    categories: [category()],
    holds: [],
    operatorReason: "",
  };
}

function withoutUsage({ live: _, lastHeartbeat: __, ...rest }: Node): Node {
  return rest;
}

function smallJobs(): Job[] {
  const command = (n: number, action: string, receipt: Job["commands"][0]["receipt"], age: number) => ({
    id: uuid(5, n),
    nodeId: uuid(1, 1),
    action,
    receipt,
    queuedAt: ago(age),
    ...(receipt !== "queued" && { deliveredAt: ago(age - 1) }),
  });
  const rows: Array<[Partial<Job>, number]> = [
    [{ kind: "container.stop", containerId: uuid(2, 4), nodeId: uuid(1, 2), state: "queued" }, 300],
    [
      {
        kind: "container.create",
        containerId: uuid(2, 3),
        state: "running",
        progress: 40,
        step: "pulling lormas/backup:3",
      },
      20,
    ],
    [{ kind: "container.restart", containerId: uuid(2, 1), state: "succeeded", finishedAt: ago(3597) }, 3600],
    [
      {
        kind: "container.create",
        containerId: uuid(2, 8),
        state: "failed",
        error: "image lormas/relay:9 cannot be pulled: no such image; check its name and tag",
        finishedAt: ago(7100),
      },
      7200,
    ],
    [{ kind: "container.kill", containerId: uuid(2, 5), state: "expired", finishedAt: ago(9000) }, 9060],
  ];
  const receipts = {
    queued: "queued",
    running: "delivered",
    succeeded: "applied",
    failed: "failed",
    expired: "expired",
    superseded: "superseded",
  } as const;
  return rows
    .map(([change, age], i) => {
      const made = job({ id: uuid(4, i + 1), createdAt: ago(age), ...change });
      const action = made.kind.split(".")[1] ?? "";
      return { ...made, commands: [command(i + 1, action, receipts[made.state], age)] };
    })
    .sort((a, b) => b.createdAt.localeCompare(a.createdAt));
}

function smallAudit(): AuditEntry[] {
  return [
    auditEntry({ verb: "container.create", at: ago(20), target: { kind: "container", name: "db-backup" } }),
    auditEntry({
      id: uuid(6, 2),
      verb: "container.stop",
      at: ago(300),
      target: { kind: "container", name: "van-tracker" },
    }),
    auditEntry({
      id: uuid(6, 3),
      verb: "auth.login",
      at: ago(900),
      outcome: "denied",
      reason: "wrong password",
      actor: { kind: "anonymous" },
      target: { kind: "user", name: "admin@lormas.local" },
      address: "192.168.7.20",
    }),
    auditEntry({
      id: uuid(6, 4),
      verb: "node.create",
      at: ago(86_400),
      target: { kind: "container", name: "shop-süd" },
    }),
  ];
}

/** What browsers and tools call themselves. */
export const agents = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
  "lormas-cli",
];
