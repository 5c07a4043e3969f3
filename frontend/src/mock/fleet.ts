/** What the mock controller says of the fleet as a whole, and lets be done to nodes. */
import type { Fleet, Node, NodeHealth } from "@/api/types";
import { ago, cluster, job, uuid, type World } from "./fixtures";
import { empty, invalid, json, problem, type Route } from "./rest";

export function fleetRoutes(world: World): Route[] {
  const onNode = (id: string | undefined, change: (n: Node) => unknown) => {
    const n = world.nodes.find((x) => x.id === id);
    return n ? json(change(n)) : problem(404, "not_found", "there is no such node");
  };
  const of = (verb: string) => new RegExp(`^/nodes/([^/]+)/${verb}$`);
  return [
    ["GET", /^\/fleet$/, () => json(fleetOf(world))],
    [
      "POST",
      /^\/fleet\/hold$/,
      (_, { reason }) => {
        world.operatorReason = String(reason);
        world.holds.push({
          kind: "operator",
          reason: `held by an operator: ${reason}; POST /fleet/release ends it`,
          since: ago(0),
        });
        return json(fleetOf(world));
      },
    ],
    [
      "POST",
      /^\/fleet\/release$/,
      () => {
        world.holds.length = 0;
        return json(fleetOf(world));
      },
    ],
    [
      "POST",
      /^\/clusters$/,
      (_, body) => {
        if (world.clusters.some((c) => c.name === body.name)) return invalid("name", "this name is taken");
        world.clusters.push(cluster({ id: uuid(9, 900 + world.clusters.length), name: String(body.name) }));
        return json(world.clusters.at(-1), 201);
      },
    ],
    [
      "DELETE",
      /^\/clusters\/([^/]+)$/,
      (m) => {
        if (world.nodes.some((n) => n.cluster_id === m[1]))
          return problem(409, "conflict", "nodes are in it: put them into another first");
        world.clusters = world.clusters.filter((c) => c.id !== m[1]);
        return empty();
      },
    ],
    [
      "PATCH",
      /^\/nodes\/([^/]+)$/,
      (m, { cluster_id }, r) => {
        const n = world.nodes.find((x) => x.id === m[1]);
        return n
          ? guarded(n, { cluster_id: cluster_id || undefined }, r)
          : problem(404, "not_found", "no such node");
      },
    ],
    [
      "PATCH",
      /^\/clusters\/([^/]+)$/,
      (m, body, r) => {
        const c = world.clusters.find((x) => x.id === m[1]);
        return c ? guarded(c, body, r) : problem(404, "not_found", "there is no such cluster");
      },
    ],
    ["GET", of("health"), (m) => onNode(m[1], healthOf)],
    [
      "POST",
      of("cordon"),
      (m, { reason }) => onNode(m[1], (n) => Object.assign(n, { cordoned: true, cordonReason: reason })),
    ],
    [
      "POST",
      of("uncordon"),
      (m) => onNode(m[1], (n) => Object.assign(n, { cordoned: false, quarantined: false, cordonReason: "" })),
    ],
    ["POST", of("drain"), (m) => onNode(m[1], (n) => drain(world, n))],
    ["DELETE", of("drain"), (m) => onNode(m[1], (n) => Object.assign(n, { drain: undefined }))],
    [
      "POST",
      of("confirm-dead"),
      (m) => onNode(m[1], (n) => Object.assign(n, { state: "unhealthy", reason: "somebody vouched" })),
    ],
    [
      "POST",
      of("credential/rotate"),
      (m) =>
        onNode(m[1], ({ id, name, createdAt }) => ({
          id,
          name,
          createdAt,
          token: "eyJhbGciOiJFZERTQSJ9.mock.second",
          command: `lormas-agent --node ${id} --token eyJhbGciOiJFZERTQSJ9.mock.second`,
        })),
    ],
    [
      "GET",
      /^\/jobs\/([^/]+)$/,
      (m) => {
        const found = world.jobs.find((j) => j.id === m[1]);
        return found ? json(found) : problem(404, "not_found", "there is no such job");
      },
    ],
  ];
}

/** Changes what is of the generation that the request says. */
export function guarded<T extends { generation: number }>(of: T, change: object, request: Request): Response {
  if (request.headers.get("If-Match") !== `"${of.generation}"`)
    return problem(412, "precondition", "somebody changed it: read it again");
  return json(Object.assign(of, change, { generation: of.generation + 1 }));
}

function fleetOf({ nodes, holds, operatorReason }: World): Fleet {
  const count = (...states: Node["state"][]) => nodes.filter((n) => states.includes(n.state)).length;
  return {
    held: holds.length > 0,
    holds,
    authority: true,
    open: holds.length === 0,
    term: 3,
    joined: nodes.length - count("joining"),
    talking: count("healthy", "returning"),
    silent: count("suspect"),
    lost: count("unhealthy"),
    quarantined: 0,
    operator: { held: holds.some((h) => h.kind === "operator"), reason: operatorReason },
    regressions: [],
  };
}

function drain(world: World, n: Node) {
  const made = job({
    id: uuid(4, 900),
    kind: "node.drain",
    state: "running",
    progress: 40,
    step: "2 of 5 containers have left",
  });
  world.jobs.unshift(made);
  const deadline = new Date(Date.now() + 600_000).toISOString();
  Object.assign(n, { cordoned: true, drain: { jobId: made.id, deadline, includeStandard: false } });
  return made;
}

function healthOf(n: Node): NodeHealth {
  const step = (seconds: number, from: string, to: string, reason: string) => ({
    at: ago(seconds),
    from,
    to,
    reason,
  });
  const { name, status, state, since, reason, capacity, rev, appliedRev, quarantined } = n;
  return {
    nodeId: n.id,
    ...{ name, status, state, since, reason, capacity, rev, appliedRev, quarantined },
    profile: { name: "standard", heartbeat: "1s", window: "30s" } as NodeHealth["profile"],
    transitions: [
      step(12_000, "healthy", "suspect", "connection lost"),
      step(11_900, "suspect", "healthy", "heard again"),
      step(11_000, "healthy", "suspect", "connection lost"),
      step(10_940, "suspect", "healthy", "heard again"),
      step(1290, "healthy", "suspect", "connection lost"),
      ...(n.state === "unhealthy" ? [step(1260, "suspect", "unhealthy", "no heartbeat for 30 s")] : []),
      ...(n.state === "healthy" ? [step(1280, "suspect", "healthy", "heard again")] : []),
    ],
  };
}
