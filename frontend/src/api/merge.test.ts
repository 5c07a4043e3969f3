import { describe, expect, it } from "vitest";
import type { ContainerNews, FleetEvent, Health, Heartbeat } from "@/live/wire";
import { container, job, node } from "@/mock/fixtures";
import { mapPages, mergeContainer, mergeHealth, mergeHeartbeat, mergeJob, reasonOf } from "./merge";
import type { JobState } from "./types";

describe("container news", () => {
  const shown = { ...container(), epoch: 2, generation: 3 };
  const news = (change: Partial<ContainerNews>): ContainerNews => ({
    v: 1,
    type: "container_state",
    containerId: shown.id,
    nodeId: shown.nodeId,
    name: shown.name,
    power: shown.power,
    phase: shown.phase,
    epoch: 2,
    generation: 3,
    migration_status: shown.migration_status,
    ...change,
  });

  it("of the same version is taken", () => {
    const merged = mergeContainer(shown, news({ phase: "crashed", reason: "exit code 137" }));
    expect(merged).toMatchObject({ phase: "crashed", epoch: 2, generation: 3 });
    expect(reasonOf(merged)).toBe("exit code 137");
  });

  it("of an older place is refused, though its spec is newer", () => {
    expect(mergeContainer(shown, news({ epoch: 1, generation: 9, phase: "stopped" }))).toBe(shown);
  });

  it("of an older spec is refused", () => {
    expect(mergeContainer(shown, news({ generation: 2, phase: "stopped" }))).toBe(shown);
  });

  it("of a newer place moves the container", () => {
    const merged = mergeContainer(shown, news({ epoch: 3, generation: 3, nodeId: "n9", phase: "pending" }));
    expect(merged).toMatchObject({ nodeId: "n9", epoch: 3, phase: "pending" });
  });

  it("clears a reason that is over", () => {
    const crashed = mergeContainer(shown, news({ phase: "crashed", reason: "exit code 1" }));
    expect(reasonOf(mergeContainer(crashed, news({ phase: "running" })))).toBe("");
  });

  it("that says nothing new changes nothing", () => {
    expect(mergeContainer(shown, news({}))).toBe(shown);
  });

  it("ends the same in whatever order it arrives", () => {
    const first = news({ generation: 3, phase: "stopping" });
    const second = news({ generation: 4, phase: "creating" });
    const third = news({ epoch: 3, generation: 4, phase: "pulling" });
    const orders = [
      [first, second, third],
      [third, second, first],
      [second, third, first],
      [third, first, second],
    ];
    for (const order of orders) expect(order.reduce(mergeContainer, shown).phase).toBe("pulling");
  });
});

describe("node health", () => {
  const shown = { ...node(), state: "suspect" as const, since: "2026-11-23T12:00:00Z", reason: "silent" };
  const health = (change: Partial<Health>): Health => ({
    v: 1,
    type: "health",
    nodeId: shown.id,
    status: "healthy",
    state: "healthy",
    since: "2026-11-23T12:00:05Z",
    reason: "",
    ...change,
  });

  it("that began later is taken", () => {
    expect(mergeHealth(shown, health({}))).toMatchObject({ state: "healthy", reason: "" });
  });

  it("that began earlier is refused", () => {
    expect(mergeHealth(shown, health({ since: "2026-11-23T11:59:00Z" }))).toBe(shown);
  });

  it("that says nothing new changes nothing", () => {
    const again = health({ state: "suspect", since: shown.since, reason: "silent" });
    expect(mergeHealth(shown, again)).toBe(shown);
  });
});

describe("heartbeats", () => {
  const short: Heartbeat = {
    v: 1,
    type: "heartbeat",
    nodeId: "n1",
    status: "online",
    timestamp: "2026-11-23T12:00:00Z",
    docker_ok: true,
    guard_ok: true,
  };

  it("without telemetry change nothing", () => {
    const shown = node();
    expect(mergeHeartbeat(shown, short)).toBe(shown);
  });

  it("with telemetry renew what is used", () => {
    const full = { ...short, cpu_used: 1, memory_used: 5, disk_used: 7, containers: 2 };
    const { live } = mergeHeartbeat(node(), full);
    expect(live).toMatchObject({ usage: { cpu: 1, memory: "5", disk: "7" }, containers: 2 });
  });
});

describe("jobs", () => {
  const event = (state: string): FleetEvent => ({ v: 1, type: "event", kind: "job", at: "", state });
  const states: JobState[] = ["queued", "running", "succeeded", "failed", "expired", "superseded"];
  const forward = new Set([
    "queued>running",
    ...states.slice(2).flatMap((s) => [`queued>${s}`, `running>${s}`]),
  ]);

  it.each(states.flatMap((from) => states.map((to) => [from, to] as const)))("%s → %s", (from, to) => {
    const shown = { ...job(), state: from };
    const merged = mergeJob(shown, event(to));
    expect(merged.state).toBe(forward.has(`${from}>${to}`) ? to : from);
  });

  it("do not take a state that nobody knows", () => {
    const shown = job();
    expect(mergeJob(shown, event("dreaming"))).toBe(shown);
  });
});

describe("mapPages", () => {
  const pages = {
    pages: [{ items: [{ id: "a", n: 1 }], next_cursor: "x" }, { items: [{ id: "b", n: 1 }] }],
    pageParams: [undefined, "x"],
  };

  it("changes one item and shares the rest", () => {
    const next = mapPages(pages, (item) => (item.id === "b" ? { ...item, n: 2 } : item));
    expect(next.pages[1]?.items[0]?.n).toBe(2);
    expect(next.pages[0]).toBe(pages.pages[0]);
  });

  it("is the same where nothing changed", () => {
    expect(mapPages(pages, (item) => item)).toBe(pages);
  });
});
