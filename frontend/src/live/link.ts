/**
 * The one MQTT connection of a tab: dials, keeps dialling with jitter, and
 * subscribes anew each time. Nothing is kept for us while we are away, so
 * `onLive` is called after every connect for the snapshot to be read again.
 * It knows neither what the messages mean nor who shows them.
 */
import { Cell } from "@/lib/cell";

export interface Socket {
  subscribe(filter: string): void;
  unsubscribe(filter: string): void;
  end(): void;
}

export interface DialOptions {
  password: string;
  onOpen(): void;
  /** `retained`: of before we listened, said again. */
  onMessage(payload: string, topic: string, retained?: boolean): void;
  onClose(): void;
}

/** Opens a connection; `onClose` is called once if it fails or ends. */
export type Dial = (options: DialOptions) => Promise<Socket>;

export type LinkStatus =
  | { state: "connecting" | "live" }
  | { state: "reconnecting" | "offline"; since: number };

export interface LinkDeps {
  dial: Dial;
  /** A token that is good now, or null when nobody is signed in. */
  token(): Promise<string | null>;
  /** `retained`: of before we listened, said again. */
  onMessage(payload: string, topic: string, retained?: boolean): void;
  onLive(): void;
}

/** A shorter gap is not worth alarming anybody. */
export const offlineAfterMs = 15_000;
const slowestRetryMs = 20_000;

/** How long to wait before the n-th new attempt: doubling, with full jitter. */
export function retryDelay(attempt: number, random: number): number {
  return 250 + random * Math.min(slowestRetryMs, 500 * 2 ** attempt);
}

export class Link {
  readonly status = new Cell<LinkStatus>({ state: "connecting" });
  private deps: LinkDeps;
  private filters = new Map<string, number>();
  private socket: Socket | null = null;
  private open = false;
  private running = false;
  private round = 0; // grows with every dial; callbacks of an earlier one are ignored
  private attempt = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private alarm: ReturnType<typeof setTimeout> | undefined;

  constructor(deps: LinkDeps) {
    this.deps = deps;
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.attempt = 0;
    void this.connect();
  }

  stop(): void {
    this.running = false;
    this.hangUp();
    clearTimeout(this.alarm);
    this.alarm = undefined;
    this.status.set({ state: "connecting" });
  }

  /** Dials again at once: the token was renewed, or the network came back. */
  renew(): void {
    if (!this.running) return;
    this.attempt = 0;
    this.hangUp();
    void this.connect();
  }

  /** Makes sure of a connection without disturbing one that is good. */
  nudge(): void {
    if (!this.open) this.renew();
  }

  /** Subscribes for as long as somebody wants it; call the result to end it. */
  watch(filter: string): () => void {
    const users = this.filters.get(filter) ?? 0;
    this.filters.set(filter, users + 1);
    if (users === 0 && this.open) this.socket?.subscribe(filter);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.unwatch(filter);
    };
  }

  private unwatch(filter: string): void {
    const left = (this.filters.get(filter) ?? 1) - 1;
    if (left > 0) {
      this.filters.set(filter, left);
      return;
    }
    this.filters.delete(filter);
    if (this.open) this.socket?.unsubscribe(filter);
  }

  private async connect(): Promise<void> {
    const round = ++this.round;
    const current = () => this.running && round === this.round;
    try {
      const password = await this.deps.token();
      if (!current() || password === null) return;
      const socket = await this.deps.dial({
        password,
        onOpen: () => current() && this.opened(),
        onMessage: (payload, topic, retained) => current() && this.deps.onMessage(payload, topic, retained),
        onClose: () => current() && this.lost(),
      });
      if (!current()) return socket.end();
      this.socket = socket;
      if (this.open) this.subscribeAll();
    } catch (error) {
      console.warn("live link:", error); // no token to be had, or the library could not be loaded
      if (current()) this.lost();
    }
  }

  private opened(): void {
    this.open = true;
    this.attempt = 0;
    clearTimeout(this.alarm);
    this.alarm = undefined;
    this.subscribeAll();
    this.status.set({ state: "live" });
    this.deps.onLive();
  }

  private subscribeAll(): void {
    for (const filter of this.filters.keys()) this.socket?.subscribe(filter);
  }

  private lost(): void {
    this.hangUp();
    this.warn();
    const delay = retryDelay(this.attempt++, Math.random());
    this.retry = setTimeout(() => void this.connect(), delay);
  }

  /** Says reconnecting now, and offline when that has lasted. */
  private warn(): void {
    if (this.alarm !== undefined) return;
    const since = Date.now();
    this.status.set({ state: "reconnecting", since });
    this.alarm = setTimeout(() => this.status.set({ state: "offline", since }), offlineAfterMs);
  }

  private hangUp(): void {
    clearTimeout(this.retry);
    this.round++;
    this.open = false;
    this.socket?.end();
    this.socket = null;
  }
}
