/** Times as people read them. `now` always comes in, so that these are pure. */

const steps: Array<[limit: number, size: number, unit: string]> = [
  [60, 1, "s"],
  [3600, 60, "min"],
  [86_400, 3600, "h"],
  [Number.POSITIVE_INFINITY, 86_400, "d"],
];

/** "12 s", "5 min", "3 h", "9 d": how long something has lasted. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [, size, unit] = steps.find(([limit]) => whole < limit) ?? [0, 1, "s"];
  return `${Math.floor(whole / size)} ${unit}`;
}

export function formatAge(iso: string, now: number): string {
  const at = Date.parse(iso);
  return Number.isNaN(at) ? "–" : formatDuration((now - at) / 1000);
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** Exact local time, for titles and for the audit. */
export function formatTime(iso: string): string {
  const at = Date.parse(iso);
  return Number.isNaN(at) ? "–" : full.format(at);
}

export function formatClock(ms: number): string {
  return clock.format(ms);
}
