/**
 * Live messages into the query cache, and nowhere else. Messages are gathered
 * for a moment and applied together, so that a burst is drawn once.
 */
import type { QueryClient, QueryKey } from "@tanstack/react-query";
import { type ContainerNews, type FleetEvent, type Health, type Heartbeat, parseMessage } from "@/live/wire";
import { lacks, lacksContainer } from "./lacks";
import {
  dropFrom,
  mapPages,
  mergeContainer,
  mergeHealth,
  mergeHeartbeat,
  mergeJob,
  type Pages,
  type SeenPhase,
  withSeen,
} from "./merge";
import { filterIn, keys, recentBeats, recentContainers, recentHealth } from "./queries";
import type { Container, Job, Node } from "./types";

/** Messages within this time are drawn together. */
const gatherMs = 80;
/** How often a page of a list may be read again because of news about what it lacks: longer lists wait longer. */
const rereadMs = 1000;

type Change<T> = (item: T) => T;

export class Feed {
  private client: QueryClient;
  private nodes = new Map<string, Change<Node>[]>();
  private containers = new Map<string, Change<Container>[]>();
  private jobs = new Map<string, Change<Job>[]>();
  private flushTimer: ReturnType<typeof setTimeout> | undefined;
  private rereads = new Map<string, ReturnType<typeof setTimeout>>();
  private sought = new Set<string>(); // nodes that were looked for in the list
  private strangers = new Map<string, ContainerNews>(); // to be looked for in the lists

  constructor(client: QueryClient) {
    this.client = client;
  }

  take(payload: string, retained = false): void {
    const message = parseMessage(payload);
    if (message?.type === "health") this.takeHealth(message);
    else if (message?.type === "heartbeat") this.takeHeartbeat(message, retained);
    else if (message?.type === "container_state") this.takeNews(message);
    else if (message?.type === "event") this.takeEvent(message);
  }

  /** Ends every timer; what was gathered is dropped. */
  close(): void {
    clearTimeout(this.flushTimer);
    this.flushTimer = undefined;
    for (const timer of this.rereads.values()) clearTimeout(timer);
    this.rereads.clear();
    this.sought.clear();
    this.strangers.clear();
  }

  private takeHealth(health: Health): void {
    recentHealth.put(health.nodeId, health, Date.now());
    this.gather(this.nodes, health.nodeId, (n) => mergeHealth(n, health));
    this.seekNode(health.nodeId);
  }

  private takeHeartbeat(heartbeat: Heartbeat, retained: boolean): void {
    if (heartbeat.status === "online" && !retained) recentBeats.put(heartbeat.nodeId, Date.now());
    this.gather(this.nodes, heartbeat.nodeId, (n) => mergeHeartbeat(n, heartbeat));
  }

  private takeNews(news: ContainerNews): void {
    recentContainers.put(news.containerId, news, Date.now());
    this.note(news);
    this.gather(this.containers, news.containerId, (c) => mergeContainer(c, news));
    this.strangers.set(news.containerId, news);
  }

  /** Keeps the phases of a container that somebody looks at: the controller has only the last. */
  private note(news: ContainerNews): void {
    const shown = this.client.getQueryData<Container>(keys.container(news.containerId));
    if (!shown) return;
    const at = new Date().toISOString();
    this.patch<SeenPhase[]>(keys.seen(news.containerId), (seen) => withSeen(seen, shown, news, at));
  }

  private takeEvent(event: FleetEvent): void {
    for (const id of [event.containerId, event.nodeId]) if (id) this.reread(keys.auditOf(id));
    if (event.kind.startsWith("fleet.")) this.reread(keys.fleet);
    if (event.kind === "migration") {
      this.reread(keys.migrations);
      if (event.containerId) this.reread(keys.container(event.containerId)); // its ports may be others now
    }
    if (event.kind !== "job" || !event.jobId) return;
    this.gather(this.jobs, event.jobId, (j) => mergeJob(j, event));
    this.reread(keys.jobs); // receipts and messages are not in the event
    if (event.containerId) this.reread(keys.container(event.containerId));
  }

  private gather<T>(into: Map<string, Change<T>[]>, id: string, change: Change<T>): void {
    const changes = into.get(id);
    if (changes) changes.push(change);
    else into.set(id, [change]);
    this.flushTimer ??= setTimeout(() => this.flush(), gatherMs);
  }

  private flush(): void {
    this.flushTimer = undefined;
    this.apply(this.nodes, keys.nodeLists, keys.node);
    this.apply(this.containers, keys.containerLists, keys.container);
    this.seekContainers();
    this.apply(this.jobs, keys.jobs); // all of these are lists
  }

  private apply<T extends { id: string }>(
    gathered: Map<string, Change<T>[]>,
    lists: readonly string[],
    one?: (id: string) => readonly string[],
  ): void {
    if (gathered.size === 0) return;
    const change: Change<T> = (item) =>
      gathered.get(item.id)?.reduce((shown, next) => next(shown), item) ?? item;
    this.patch<Pages<T>>(lists, (pages) => mapPages(pages, change));
    if (one) for (const id of gathered.keys()) this.patch<T>(one(id), change);
    gathered.clear();
  }

  /**
   * Changes what is kept under a key. What was due to be read again still is:
   * a message tells of one thing, not of the whole list.
   */
  private patch<T>(key: QueryKey, change: Change<T>): void {
    for (const query of this.client.getQueryCache().findAll({ queryKey: key })) {
      const { data, dataUpdatedAt, isInvalidated } = query.state;
      const next = data === undefined ? data : change(data as T);
      if (next === data) continue;
      query.setData(next, { updatedAt: dataUpdatedAt, manual: true });
      if (isInvalidated) query.invalidate();
    }
  }

  /** Reads the nodes again, once, for one that the list does not show: it may be new. */
  private seekNode(id: string): void {
    if (this.sought.has(id)) return;
    this.sought.add(id);
    const all = this.client.getQueriesData<Pages<Node>>({ queryKey: keys.nodeLists });
    if (all.some(([, list]) => list && lacks(list, [id]))) this.reread(keys.nodeLists);
  }

  /** Drops what was removed, or has left its node, from the lists, and reads those again that lack what they should show. */
  private seekContainers(): void {
    if (this.strangers.size === 0) return;
    const news = [...this.strangers.values()];
    this.strangers.clear();
    const gone = new Set(news.filter((n) => n.phase === "removed").map((n) => n.containerId));
    if (gone.size > 0)
      this.patch<Pages<Container>>(keys.containerLists, (list) => dropFrom(list, (c) => gone.has(c.id)));
    for (const [key] of this.client.getQueriesData({ queryKey: keys.containerLists })) {
      const { nodeId } = filterIn(key);
      if (nodeId) this.patch<Pages<Container>>(key, (list) => dropFrom(list, (c) => c.nodeId !== nodeId));
    }
    const here = news.filter((n) => n.phase !== "removed");
    for (const [key, list] of this.client.getQueriesData<Pages<Container>>({
      queryKey: keys.containerLists,
      type: "active",
    }))
      if (list && lacksContainer(list, filterIn(key), here)) this.reread(key);
  }

  private reread(key: QueryKey): void {
    const name = JSON.stringify(key);
    if (this.rereads.has(name)) return;
    const timer = setTimeout(() => {
      this.rereads.delete(name);
      void this.client.invalidateQueries({ queryKey: key });
    }, rereadMs * this.pagesOf(key));
    this.rereads.set(name, timer);
  }

  /** How many pages the longest list under a key has that somebody looks at. */
  private pagesOf(key: QueryKey): number {
    const shown = this.client.getQueryCache().findAll({ queryKey: key, type: "active" });
    return Math.max(
      1,
      ...shown.map(({ state }) => (state.data as Partial<Pages<unknown>>)?.pages?.length ?? 1),
    );
  }
}
