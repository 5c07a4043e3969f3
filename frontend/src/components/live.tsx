/** The tab's one live connection, for whoever is signed in. */
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { currentToken, renew } from "@/api/http";
import { Feed } from "@/api/live";
import { queryClient } from "@/api/queries";
import { accessToken, onTokenRenewed, renewIn } from "@/api/session";
import { useCell } from "@/lib/cell";
import { cx } from "@/lib/cx";
import { formatClock } from "@/lib/time";
import { type Dial, Link } from "@/live/link";
import { topics } from "@/live/wire";
import { linkWords } from "@/strings";

const standing = [topics.nodeHealth, topics.nodeHeartbeat, topics.containerState, topics.fleetEvents];

/** A tab hidden for this long may have slept through the end of its connection. */
const longSleepMs = 60_000;

type Listener = (payload: string, topic: string) => void;

/** The link with what hangs on it. */
export class LiveConnection {
  readonly link: Link;
  private feed = new Feed(queryClient);
  private listeners = new Map<string, Set<Listener>>();

  constructor(dial: Dial) {
    this.link = new Link({
      dial,
      token: currentToken,
      onMessage: (payload, topic) => this.receive(payload, topic),
      onLive: () => void queryClient.invalidateQueries(), // the snapshot, after whatever was missed
    });
    for (const filter of standing) this.link.watch(filter);
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

  private receive(payload: string, topic: string): void {
    const listeners = this.listeners.get(topic);
    if (listeners?.size) for (const listener of listeners) listener(payload, topic);
    else this.feed.take(payload);
  }
}

const Context = createContext<LiveConnection | null>(null);

export function LiveProvider({ dial, children }: { dial: Dial; children: ReactNode }) {
  const [live] = useState(() => new LiveConnection(dial));
  useEffect(() => live.run(), [live]);
  return <Context value={live}>{children}</Context>;
}

export function useLive(): LiveConnection {
  const live = useContext(Context);
  if (!live) throw new Error("useLive is for what stands inside LiveProvider");
  return live;
}

const dots = {
  connecting: "bg-muted",
  live: "bg-ok",
  reconnecting: "bg-warn animate-pulse",
  offline: "bg-bad",
};

/** Whether what is on the screen is the present. */
export function LiveDot({ className }: { className?: string }) {
  const status = useCell(useLive().link.status);
  return (
    <span role="status" className={cx("inline-flex items-center gap-2 text-xs text-muted", className)}>
      <span aria-hidden className={cx("size-2 rounded-full", dots[status.state])} />
      {linkWords(status, formatClock)}
    </span>
  );
}
