import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { container, node, uuid } from "@/mock/fixtures";
import { Feed } from "./feed";
import type { Pages } from "./merge";
import { keys, recentBeats } from "./queries";
import type { Container, Node } from "./types";

let client: QueryClient;
let feed: Feed;

beforeEach(() => {
  vi.useFakeTimers();
  client = new QueryClient();
  feed = new Feed(client);
  client.setQueryData(keys.nodeLists, { pages: [{ items: [node()] }], pageParams: [undefined] });
  client.setQueryData(keys.container(uuid(2, 1)), container());
});
afterEach(() => {
  feed.close();
  vi.useRealTimers();
});

const listed = () => client.getQueryData<Pages<Node>>(keys.nodeLists)?.pages[0]?.items[0];
const invalidated = (key: readonly string[]) => client.getQueryState(key)?.isInvalidated;

const health = (id: string, state: string) =>
  JSON.stringify({
    v: 1,
    type: "health",
    nodeId: id,
    status: "healthy",
    state,
    since: new Date().toISOString(),
    reason: "",
  });

const news = (phase: string) =>
  JSON.stringify({
    v: 1,
    type: "container_state",
    containerId: uuid(2, 1),
    name: "web-front",
    power: "running",
    phase,
    epoch: 1,
    generation: 1,
    migration_status: "idle",
  });

describe("the feed", () => {
  it("counts heartbeats as they come, and not the one that the broker has kept", () => {
    const beat = (status: string) =>
      JSON.stringify({
        v: 1,
        type: "heartbeat",
        nodeId: "beating",
        status,
        timestamp: "",
        docker_ok: true,
        guard_ok: true,
      });
    feed.take(beat("online"), true);
    expect(recentBeats.of("beating")).toHaveLength(0);
    feed.take(beat("online"));
    feed.take(beat("offline"));
    expect(recentBeats.of("beating")).toHaveLength(1);
  });

  it("draws a burst once, with the last word", () => {
    const draws: unknown[] = [];
    client.getQueryCache().subscribe((event) => event.type === "updated" && draws.push(event));
    for (const state of ["suspect", "healthy", "suspect"]) feed.take(health(uuid(1, 1), state));
    expect(draws).toHaveLength(0);
    vi.advanceTimersByTime(100);
    expect(listed()?.state).toBe("suspect");
    expect(draws).toHaveLength(1);
  });

  it("changes what is shown alone, too", () => {
    feed.take(news("crashed"));
    vi.advanceTimersByTime(100);
    expect(client.getQueryData<Container>(keys.container(uuid(2, 1)))?.phase).toBe("crashed");
  });

  it("does not make a list fresh that was due to be read again", () => {
    void client.invalidateQueries({ queryKey: keys.nodeLists });
    feed.take(health(uuid(1, 1), "suspect"));
    vi.advanceTimersByTime(100);
    expect(listed()?.state).toBe("suspect");
    expect(invalidated(keys.nodeLists)).toBe(true);
  });

  it("reads the list again, once, for something that it does not show", () => {
    feed.take(health(uuid(1, 9), "healthy"));
    vi.advanceTimersByTime(2000);
    expect(invalidated(keys.nodeLists)).toBe(true);

    client.setQueryData(keys.nodeLists, { pages: [{ items: [node()] }], pageParams: [undefined] });
    feed.take(health(uuid(1, 9), "suspect"));
    vi.advanceTimersByTime(2000);
    expect(invalidated(keys.nodeLists)).toBe(false);
  });

  it("takes what was removed out of the lists", () => {
    const key = [...keys.containerLists, {}];
    client.setQueryData(key, { pages: [{ items: [container()] }], pageParams: [undefined] });
    feed.take(news("removed"));
    vi.advanceTimersByTime(100);
    expect(client.getQueryData<Pages<Container>>(key)?.pages[0]?.items).toEqual([]);
  });

  it("takes what has left a node out of that node's list", () => {
    const at = container();
    const key = [...keys.containerLists, { nodeId: at.nodeId }];
    client.setQueryData(key, { pages: [{ items: [at] }], pageParams: [undefined] });
    feed.take(JSON.stringify({ ...JSON.parse(news("starting")), epoch: 2, nodeId: uuid(1, 7) }));
    vi.advanceTimersByTime(100);
    expect(client.getQueryData<Pages<Container>>(key)?.pages[0]?.items).toEqual([]);
  });

  it("drops what it cannot read", () => {
    for (const junk of ["", "{", "[]", health(uuid(1, 1), "sleepy")]) feed.take(junk);
    vi.advanceTimersByTime(2000);
    expect(listed()?.state).toBe("healthy");
  });
});
