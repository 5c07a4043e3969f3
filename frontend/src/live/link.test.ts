import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type DialOptions, Link, offlineAfterMs, retryDelay } from "./link";

/** A broker's end of every connection that the link opens. */
function setup(token: () => Promise<string | null> = async () => "t") {
  const dials: Array<DialOptions & { filters: Set<string>; ended: boolean }> = [];
  const seen: string[] = [];
  let lives = 0;
  const link = new Link({
    token,
    dial: async (options) => {
      const far = { ...options, filters: new Set<string>(), ended: false };
      dials.push(far);
      return {
        subscribe: (filter) => {
          expect(far.filters).not.toContain(filter);
          far.filters.add(filter);
        },
        unsubscribe: (filter) => far.filters.delete(filter),
        end: () => {
          far.ended = true;
        },
      };
    },
    onMessage: (payload) => seen.push(payload),
    onLive: () => lives++,
  });
  const dial = (n: number) => {
    const far = dials[n];
    if (!far) throw new Error(`there was no dial ${n}`);
    return far;
  };
  return { link, dial, seen, dials, lives: () => lives };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("link", () => {
  it("subscribes after every connect and asks for a snapshot", async () => {
    const { link, dial, lives } = setup();
    link.watch("a");
    link.start();
    await settle();
    expect(link.status.get().state).toBe("connecting");
    dial(0).onOpen();
    expect(link.status.get().state).toBe("live");
    expect([...dial(0).filters]).toEqual(["a"]);

    dial(0).onClose();
    expect(link.status.get().state).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(1000);
    dial(1).onOpen();
    expect([...dial(1).filters]).toEqual(["a"]);
    expect(link.status.get().state).toBe("live");
    expect(lives()).toBe(2);
  });

  it("says offline since the loss when dialling does not help", async () => {
    const { link, dial, dials } = setup();
    link.start();
    await settle();
    dial(0).onOpen();
    const since = Date.now();
    dial(0).onClose();
    for (let spent = 0; spent < offlineAfterMs; spent += 500) {
      dials.at(-1)?.onClose();
      await vi.advanceTimersByTimeAsync(500);
    }
    expect(link.status.get()).toEqual({ state: "offline", since });
    expect(dials.length).toBeGreaterThan(3);
  });

  it("hears nothing more from a connection that it gave up", async () => {
    const { link, dial, seen } = setup();
    link.start();
    await settle();
    dial(0).onOpen();
    dial(0).onMessage("1", "t");
    link.renew();
    await settle();
    expect(dial(0).ended).toBe(true);
    dial(0).onMessage("late", "t");
    dial(0).onClose();
    dial(1).onOpen();
    dial(1).onMessage("2", "t");
    expect(seen).toEqual(["1", "2"]);
    expect(link.status.get().state).toBe("live");
  });

  it("keeps a subscription until its last user has gone", async () => {
    const { link, dial } = setup();
    link.start();
    await settle();
    dial(0).onOpen();
    const first = link.watch("s");
    const second = link.watch("s");
    first();
    first();
    expect([...dial(0).filters]).toEqual(["s"]);
    second();
    expect([...dial(0).filters]).toEqual([]);
  });

  it("does not dial without somebody signed in, and not after stop", async () => {
    const { link, dials } = setup(async () => null);
    link.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(dials).toHaveLength(0);

    const other = setup();
    other.link.start();
    await settle();
    other.dial(0).onOpen();
    other.link.stop();
    other.dial(0).onClose();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(other.dials).toHaveLength(1);
    expect(other.dial(0).ended).toBe(true);
  });
});

it("waits longer each time, at random, up to a bound", () => {
  expect(retryDelay(0, 0)).toBe(250);
  expect(retryDelay(0, 1)).toBe(750);
  expect(retryDelay(3, 1)).toBe(4250);
  expect(retryDelay(99, 1)).toBe(20_250);
});
