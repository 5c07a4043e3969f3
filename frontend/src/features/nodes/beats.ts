/** Single heartbeats as a strip: one cell for each that was due. Pure. */
import type { Span } from "@/live/beats";

/** `untold`: this tab was cut off itself, and suspects itself first. */
export type Beat = "heard" | "missed" | "untold";

/** A heartbeat may be late by this share of what lies between two. */
const slack = 0.5;

/** What was heard, after what the controller knew of before; that is of the node's clock. */
export function withLast(heard: readonly number[], last: string | undefined, now: number): readonly number[] {
  const at = Date.parse(last ?? "");
  return at < (heard[0] ?? now) ? [at, ...heard] : heard;
}

/** The last heartbeats that were due up to now, the newest last. */
export function beatsOf(
  heard: readonly number[],
  deaf: readonly Span[],
  now: number,
  everyMs: number,
  most: number,
): Beat[] {
  const back: Beat[] = []; // the newest first
  let until = now;
  for (let i = heard.length - 1; i >= 0 && back.length < most; i--) {
    const at = heard[i] ?? 0;
    const apart = (until - at) / everyMs;
    const newest = i === heard.length - 1;
    if (newest || apart >= slack) {
      const missing = Math.max(0, newest ? Math.floor(apart - slack) : Math.round(apart) - 1);
      for (let n = missing; n > 0 && back.length < most; n--) {
        const due = at + n * (newest ? everyMs : (until - at) / (missing + 1));
        back.push(deaf.some(({ from, to }) => from < due && due < to) ? "untold" : "missed");
      }
      back.push("heard");
    }
    until = at;
  }
  return back.slice(0, most).reverse();
}

/** "10s" or "1m30s", as the controller writes times; null for what is none. */
export function msOf(duration: string): number | null {
  const found = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?$/.exec(duration);
  if (!found || duration === "") return null;
  const [h, m, s, ms] = found.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number];
  return ((h * 60 + m) * 60 + s) * 1000 + ms;
}
