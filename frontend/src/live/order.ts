/**
 * Which of two reports about one thing is the newer. What a node said before
 * a container was moved (epoch) or changed (generation) may arrive late; it
 * must never overwrite what is on the screen.
 */

export interface Versioned {
  epoch: number;
  generation: number;
}

/** Negative where `a` is older than `b`, 0 where they speak of the same thing. */
export function compareVersions(a: Versioned, b: Versioned): number {
  return a.epoch - b.epoch || a.generation - b.generation;
}

/** Whether `news` may replace `shown`: the same version may be reported again. */
export function supersedes(news: Versioned, shown: Versioned): boolean {
  return compareVersions(news, shown) >= 0;
}

/** Whether a state that began at `since` may replace one that began at `shown`. */
export function beganLater(since: string, shown: string): boolean {
  const a = Date.parse(since);
  const b = Date.parse(shown);
  return Number.isNaN(b) || a >= b;
}
