/**
 * The live link with what hangs on it: the token it signs in with, the feed
 * into the query cache, and whoever listens to a topic of its own.
 */
import { type Dial, Link } from "@/live/link";
import { topics } from "@/live/wire";
import { Feed } from "./feed";
import { currentToken, renew } from "./http";
import { queryClient, recentBeats } from "./queries";
import { accessToken, onTokenRenewed, renewIn } from "./session";

const standing = [topics.nodeHealth, topics.nodeHeartbeat, topics.containerState, topics.fleetEvents];

/** A tab hidden for this long may have slept through the end of its connection. */
const longSleepMs = 60_000;

type Listener = (payload: string, topic: string) => void;

export class LiveConnection {
  readonly link: Link;
  private feed = new Feed(queryClient);
  private listeners = new Map<string, Set<Listener>>();

  constructor(dial: Dial) {
    this.link = new Link({
      dial,
      token: currentToken,
      onMessage: (payload, topic, retained) => this.receive(payload, topic, retained),
      onLive: () => void queryClient.invalidateQueries(), // the snapshot, after whatever was missed
    });
    for (const filter of standing) this.link.watch(filter);
    this.link.status.subscribe(() => {
      if (this.link.status.get().state === "live") recentBeats.hear(Date.now());
      else recentBeats.deafen(Date.now());
    });
  }

  /** Hears one exact topic beside the standing ones. */
  listen(topic: string, listener: Listener): () => void {
    const unwatch = this.link.watch(topic);
    const all = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, all.add(listener));
    return () => {
      all.delete(listener);
      unwatch();
    };
  }

  /** Runs until the returned function is called. */
  run(): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const schedule = () => {
      clearTimeout(timer);
      const wait = renewIn();
      if (wait !== null) timer = setTimeout(() => void accessToken(renew).catch(() => schedule()), wait);
    };
    const renewed = onTokenRenewed(() => {
      this.link.renew();
      schedule();
    });
    const stopWatching = this.watchSurroundings();
    this.link.start();
    schedule();
    return () => {
      clearTimeout(timer);
      renewed();
      stopWatching();
      this.link.stop();
      this.feed.close();
    };
  }

  /** A network that changed, or a machine that slept, leaves dead connections behind. */
  private watchSurroundings(): () => void {
    let hiddenAt = 0;
    const dialAgain = () => this.link.renew();
    const onVisibility = () => {
      if (document.visibilityState === "hidden") hiddenAt = Date.now();
      else if (Date.now() - hiddenAt > longSleepMs) this.link.renew();
      else this.link.nudge();
    };
    window.addEventListener("online", dialAgain);
    window.addEventListener("offline", dialAgain);
    document.addEventListener("visibilitychange", onVisibility);
    return () => {
      window.removeEventListener("online", dialAgain);
      window.removeEventListener("offline", dialAgain);
      document.removeEventListener("visibilitychange", onVisibility);
    };
  }

  private receive(payload: string, topic: string, retained = false): void {
    const listeners = this.listeners.get(topic);
    if (listeners?.size) for (const listener of listeners) listener(payload, topic);
    else this.feed.take(payload, retained);
  }
}
