/**
 * A controller in memory behind `fetch`, as much of one as the dashboard
 * needs: for development without Go, for screenshots and for tests. What it
 * answers has the shapes of the real one; what it does is only theatre.
 */
import type { Container, ContainerCreate, Egg, EggBody, Job, JobState, Node } from "@/api/types";
import { categoryRoutes } from "./categories";
import { auditEntry, container, egg, job, migration, node, uuid, type World } from "./fixtures";
import { fleetRoutes } from "./fleet";
import { People, type Visitor } from "./people";
import { type Body, invalid, json, problem, type Route } from "./rest";

export interface MockOptions extends Visitor {
  world: World;
  /** Publishes on the mock's broker. */
  publish?(topic: string, message: Record<string, unknown>): void;
  /** How long the theatre's nodes take for a step; 0 does it at once. */
  stepMs?: number;
}

export class MockController {
  readonly world: World;
  readonly requests: string[] = [];
  private options: MockOptions;
  readonly people: People;
  private next = 1000;
  private routes: Route[];

  constructor(options: MockOptions) {
    this.options = options;
    this.world = options.world;
    this.people = new People(options);
    this.routes = this.table();
  }

  fetch = async (request: Request): Promise<Response> => {
    const path = new URL(request.url).pathname.replace("/api/v1", "");
    this.requests.push(`${request.method} ${path}`);
    const text = await request.text();
    const isFile = request.headers.get("Content-Type") === "application/octet-stream";
    const body: Body = isFile ? { text } : text ? JSON.parse(text) : {};
    if (!this.people.signedIn && !path.startsWith("/auth/"))
      return problem(401, "unauthenticated", "sign in first");
    for (const [method, pattern, handler] of this.routes) {
      const match = request.method === method && path.match(pattern);
      if (match) return handler(match, body, request);
    }
    return problem(404, "not_found", "there is nothing at this path");
  };

  private table(): Route[] {
    const { world } = this;
    return [
      ...this.people.table(),
      ...fleetRoutes(world),
      ["GET", /^\/nodes$/, () => json({ items: world.nodes })],
      ["POST", /^\/nodes$/, (_, body) => this.createNode(body)],
      ["GET", /^\/nodes\/([^/]+)$/, (m) => found(world.nodes, m[1])],
      ["GET", /^\/containers$/, (_, __, r) => json({ items: this.containers(r) })],
      ["POST", /^\/containers$/, (_, body) => this.createContainer(body as unknown as ContainerCreate)],
      ["GET", /^\/containers\/([^/]+)$/, (m) => found(world.containers, m[1])],
      ["GET", /^\/containers\/([^/]+)\/logs$/, (_, __, r) => logs(r.signal)],
      ["POST", /^\/containers\/([^/]+)\/(start|stop|restart|kill)$/, (m) => this.act(m[1], m[2] ?? "")],
      ["POST", /^\/containers\/([^/]+)\/migrate$/, (m, body) => this.migrate(m[1], body)],
      ["PATCH", /^\/containers\/([^/]+)\/environment$/, (m) => this.act(m[1], "environment.edit")],
      ["GET", /^\/migrations\/([^/]+)$/, (m) => found(world.migrations, m[1])],
      ["GET", /^\/migrations$/, (_, __, r) => json({ items: this.migrations(r) })],
      ["POST", /^\/migrations\/([^/]+)\/cancel$/, (m) => this.cancelMove(m[1])],
      ["GET", /^\/clusters$/, () => json({ items: world.clusters })],
      ["POST", /^\/containers\/([^/]+)\/command$/, (m) => this.act(m[1], "command")],
      ["DELETE", /^\/containers\/([^/]+)$/, (m) => this.act(m[1], "delete")],
      ...categoryRoutes(world),
      ["GET", /^\/eggs$/, (_, __, r) => json({ items: this.eggs(r) })],
      ["POST", /^\/eggs$/, (_, body) => this.createEgg(body as unknown as EggBody)],
      ["POST", /^\/eggs\/import$/, (_, body, r) => this.importEgg(String(body.text ?? ""), new URL(r.url))],
      ["GET", /^\/eggs\/([^/]+)$/, (m) => found(world.eggs, m[1])],
      ["PUT", /^\/eggs\/([^/]+)$/, (m, body) => this.updateEgg(m[1], body as unknown as EggBody)],
      ["GET", /^\/jobs$/, (_, __, r) => json({ items: this.jobs(r) })],
      ["GET", /^\/audit$/, (_, __, r) => json({ items: this.audit(r) })],
    ];
  }

  // Nodes

  private createNode({ name, description }: Body): Response {
    if (this.world.nodes.some((n) => n.name === name)) return invalid("name", "this name is taken");
    const {
      live: _,
      lastHeartbeat: __,
      ...made
    } = node({
      id: uuid(1, this.next++),
      name: String(name),
      description: String(description ?? ""),
      hostname: "",
      state: "joining",
      since: new Date().toISOString(),
      reason: "waiting for the agent",
    });
    this.world.nodes.push(made);
    this.later(6, () => this.join(made.id));
    const token = "eyJhbGciOiJFZERTQSJ9.mock.credential";
    const command = `lormas-agent --controller mqtt://controller.lan:1883 --node ${made.id} --token ${token}`;
    return json({ id: made.id, name: made.name, token, command, createdAt: made.createdAt }, 201);
  }

  private join(id: string): void {
    const at = this.world.nodes.findIndex((n) => n.id === id);
    const now = new Date().toISOString();
    const joined: Node = { ...node(), ...this.world.nodes[at], state: "healthy", since: now, reason: "" };
    this.world.nodes[at] = joined;
    this.publish(`nodes/${id}/health`, {
      type: "health",
      nodeId: id,
      status: "healthy",
      state: "healthy",
      since: now,
      reason: "",
    });
  }

  // Containers

  private containers(request: Request): Container[] {
    const asked = new URL(request.url).searchParams;
    const [at, q, phase, sort] = ["nodeId", "q", "phase", "sort"].map((name) => asked.get(name));
    const found = this.world.containers.filter(
      (c) =>
        (!at || c.nodeId === at) &&
        (!phase || c.phase === phase) &&
        (!q || c.name.toLowerCase().includes(q.toLowerCase())),
    );
    if (sort?.endsWith("name")) found.sort((a, b) => a.name.localeCompare(b.name));
    return sort === "-name" ? found.reverse() : found;
  }

  private createContainer(body: ContainerCreate): Response {
    const { world } = this;
    if (world.containers.some((c) => c.name === body.name)) return invalid("name", "this name is taken");
    const taken =
      body.ports?.findIndex((p) => world.containers.some((c) => c.ports[0]?.host === p.host)) ?? -1;
    if (taken >= 0) return invalid(`ports[${taken}].host`, "this port is taken on the node");
    const far = body.volumes?.findIndex(({ host }) => host.startsWith("/far")) ?? -1;
    if (far >= 0) return invalid(`volumes[${far}].host`, "the node has no such path");
    const made = container({
      id: uuid(2, this.next++),
      name: body.name,
      ownerId: body.ownerId,
      group: body.group,
      volumes: body.volumes ?? [],
      eggId: body.eggId,
      nodeId: body.nodeId ?? world.nodes[0]?.id ?? "",
      resources: body.resources,
      environment: body.environment ?? {},
      phase: "pending",
      ports: (body.ports ?? []).map((p) => ({
        host: p.host ?? 20_000,
        container: p.container ?? p.host ?? 20_000,
        protocol: "tcp",
      })),
    });
    world.containers.push(made);
    const job = this.order(made, "create", ["pulling", "creating", "starting", "running"]);
    return json({ ...made, job }, 202);
  }

  /** Takes any JSON with a name for an egg. */
  private importEgg(text: string, at: URL): Response {
    const name = at.searchParams.get("url") ?? text.match(/"name": *"([^"]+)"/)?.[1];
    if (!name)
      return problem(422, "invalid", "the file is not an egg; see errors for each line", [
        { line: 1, field: "name", message: "an egg needs a name" },
      ]);
    const known = this.world.eggs.find((e) => e.name === name);
    const made = known ?? egg({ id: uuid(3, this.next++), name });
    if (!known && at.searchParams.get("dryRun") !== "true") this.world.eggs.push(made);
    const warnings = [{ line: 2, field: "config.files", message: "this was left out" }];
    return json({ egg: made, outcome: known ? "unchanged" : "created", warnings, changes: [] });
  }

  private act(id: string | undefined, verb: string): Response {
    const c = this.world.containers.find((x) => x.id === id);
    if (!c) return problem(404, "not_found", "there is no such container");
    const open = this.world.migrations.find((m) => m.containerId === c.id && !m.finishedAt);
    if (open)
      return problem(
        409,
        "conflict",
        `the container is being moved by migration ${open.id}, which is ${open.state}: wait until it is over`,
      );
    const ways: Record<string, [Container["power"], Container["phase"][]]> = {
      start: ["running", ["starting", "running"]],
      restart: ["running", ["stopping", "starting", "running"]],
      stop: ["stopped", ["stopping", "stopped"]],
      kill: ["stopped", ["stopped"]],
      delete: ["absent", ["stopping", "removed"]],
    };
    const [power, phases] = ways[verb] ?? [c.power, []];
    Object.assign(c, { power, observed: undefined });
    this.world.audit.unshift(
      auditEntry({
        id: uuid(6, this.next++),
        verb: `container.${verb}`,
        target: { kind: "container", id: c.id, name: c.name },
      }),
    );
    return json(this.order(c, verb, phases), 202);
  }

  // Moves

  private migrations(request: Request) {
    const of = new URL(request.url).searchParams.get("containerId");
    return this.world.migrations.filter((m) => !of || m.containerId === of);
  }

  /** It stays under way, for as long as it is not cancelled. */
  private migrate(id: string | undefined, { targetNodeId, acceptDataLoss }: Body): Response {
    const c = this.world.containers.find((x) => x.id === id);
    if (!c) return problem(404, "not_found", "there is no such container");
    if (c.volumes.length > 0 && !acceptDataLoss)
      return invalid("acceptDataLoss", "what is in its volumes stays on its node");
    const {
      switchedAt: _,
      runningAt: __,
      finishedAt: ___,
      toEpoch: ____,
      ...begun
    } = migration({
      id: uuid(8, this.next++),
      containerId: c.id,
      trigger: "manual",
      status: "migrating",
      state: "queued",
      reason: "",
      fromNodeId: c.nodeId,
      fromEpoch: c.epoch,
      createdAt: new Date().toISOString(),
      ...(typeof targetNodeId === "string" && { toNodeId: targetNodeId }),
    });
    this.world.migrations.unshift(begun);
    c.migration_status = "migrating";
    this.tell(c);
    return json(job({ id: uuid(4, this.next++), kind: "container.migrate", containerId: c.id }), 202);
  }

  private cancelMove(id: string | undefined): Response {
    const move = this.world.migrations.find((m) => m.id === id);
    const c = this.world.containers.find((x) => x.id === move?.containerId);
    if (!move || !c) return problem(404, "not_found", "there is no such migration");
    Object.assign(move, { state: "cancelled", status: "idle", finishedAt: new Date().toISOString() });
    c.migration_status = "idle";
    return json(move);
  }

  /** A job whose node takes it through the phases, if it can be reached. */
  private order(c: Container, verb: string, phases: Container["phase"][]): Job {
    const made = job({
      id: uuid(4, this.next++),
      kind: `container.${verb}`,
      containerId: c.id,
      nodeId: c.nodeId,
      createdAt: new Date().toISOString(),
    });
    const command = { ...made.commands[0], id: uuid(5, this.next++), action: verb, nodeId: c.nodeId };
    made.commands = [command as Job["commands"][0]];
    this.world.jobs.unshift(made);
    this.tell(c);
    const state = this.world.nodes.find((n) => n.id === c.nodeId)?.state;
    if (state !== "healthy") return { ...made };
    this.later(1, () => this.move(made, "running"));
    for (const [i, phase] of phases.entries()) {
      this.later(i + 2, () => {
        c.phase = phase;
        this.tell(c);
        if (phase === "removed") this.world.containers = this.world.containers.filter((x) => x.id !== c.id);
        if (i === phases.length - 1) this.move(made, "succeeded");
      });
    }
    return { ...made };
  }

  private move(made: Job, state: JobState): void {
    made.state = state;
    const now = new Date().toISOString();
    const command = made.commands[0];
    if (command) command.receipt = state === "running" ? "delivered" : "applied";
    if (state === "succeeded") made.finishedAt = now;
    const { id: jobId, containerId } = made;
    this.publish("events", { type: "event", kind: "job", at: now, jobId, containerId, state });
  }

  private tell(c: Container): void {
    this.publish(`containers/${c.id}/state`, {
      type: "container_state",
      containerId: c.id,
      nodeId: c.nodeId,
      name: c.name,
      power: c.power,
      phase: c.phase,
      epoch: c.epoch,
      generation: c.generation,
      migration_status: c.migration_status,
    });
  }

  // Eggs and jobs

  private eggs(request: Request): Egg[] {
    const asked = new URL(request.url).searchParams;
    const [q, of] = [asked.get("q")?.toLowerCase() ?? "", asked.get("categoryId")];
    return this.world.eggs.filter((e) => e.name.toLowerCase().includes(q) && (!of || e.categoryId === of));
  }

  private createEgg(body: EggBody): Response {
    if (!body.name) return invalid("name", "this field is needed");
    const made = { ...egg(), ...(body as Egg), id: uuid(3, this.next++) };
    this.world.eggs.push(made);
    return json(made, 201);
  }

  private updateEgg(id: string | undefined, body: EggBody): Response {
    const at = this.world.eggs.find((e) => e.id === id);
    if (!at) return problem(404, "not_found", "there is no such egg");
    return json(Object.assign(at, body, { generation: at.generation + 1 }));
  }

  private jobs(request: Request): Job[] {
    const of = new URL(request.url).searchParams.get("containerId");
    return this.world.jobs.filter((j) => !of || j.containerId === of);
  }

  private audit(request: Request) {
    const of = new URL(request.url).searchParams.get("target");
    return this.world.audit.filter((entry) => !of || entry.target?.id === of);
  }

  private publish(topic: string, message: Record<string, unknown>): void {
    this.options.publish?.(`lormas/v1/${topic}`, { v: 1, ...message });
  }

  private later(steps: number, act: () => void): void {
    const ms = this.options.stepMs ?? 900;
    if (ms === 0) act();
    else setTimeout(act, steps * ms);
  }
}

function found(items: Array<{ id: string }>, id: string | undefined): Response {
  const item = items.find((x) => x.id === id);
  return item ? json(item) : problem(404, "not_found", "there is no such thing, or none that you may see");
}

/** A web server's log that goes on for as long as somebody reads. */
function logs(signal: AbortSignal): Response {
  let n = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  const entry = (value: object) => `${JSON.stringify(value)}\n`;
  const line = () => {
    const at = new Date(Date.now() - 60_000 + n++ * 900).toISOString();
    return entry({
      n,
      source: "out",
      text: n === 1 ? "listening on :80" : `${at} GET /health 200 ${(n % 7) + 1}ms`,
    });
  };
  const stream = new ReadableStream<Uint8Array>({
    start(out) {
      const text = new TextEncoder();
      out.enqueue(text.encode(entry({ book: "b", next: 1 }) + Array.from({ length: 13 }, line).join("")));
      timer = setInterval(() => out.enqueue(text.encode(line())), 1500);
      signal.addEventListener("abort", () => {
        clearInterval(timer);
        out.error(signal.reason);
      });
    },
    cancel: () => clearInterval(timer),
  });
  return new Response(stream, { headers: { "Content-Type": "application/x-ndjson" } });
}
