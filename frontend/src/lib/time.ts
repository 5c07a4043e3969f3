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

/** Exact time, for titles and for the audit; without a zone it is the browser's. */
export function formatTime(iso: string, zone = ""): string {
  const at = Date.parse(iso);
  return Number.isNaN(at) ? "–" : fullIn(zone).format(at);
}

const fulls = new Map<string, Intl.DateTimeFormat>();

function fullIn(zone: string): Intl.DateTimeFormat {
  const known = fulls.get(zone);
  if (known) return known;
  const made = newFull(zone);
  fulls.set(zone, made);
  return made;
}

function newFull(zone: string): Intl.DateTimeFormat {
  const style = { dateStyle: "medium", timeStyle: "medium" } as const;
  try {
    return new Intl.DateTimeFormat(undefined, { ...style, ...(zone && { timeZone: zone }) });
  } catch {
    return new Intl.DateTimeFormat(undefined, style); // a zone that this browser does not know
  }
}

export function formatClock(ms: number): string {
  return clock.format(ms);
}
