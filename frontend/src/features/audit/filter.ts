/** What of the audit trail is shown, as the address says it. Pure. */
import type { AuditFilter } from "@/api/endpoints";

const days = { day: 1, week: 7, month: 30 } as const;

export const spans = Object.keys(days) as Array<keyof typeof days>;

export interface Choice {
  q: string;
  verb: string;
  outcome: string;
  span: string;
}

export function read(params: URLSearchParams): Choice {
  const of = (name: string) => params.get(name) ?? "";
  return { q: of("q"), verb: of("verb"), outcome: of("outcome"), span: of("span") };
}

export const write = (choice: Choice): Record<string, string> =>
  Object.fromEntries(Object.entries(choice).filter(([, value]) => value));

/** To the hour, so that the same choice is the same question for a while. */
export function filterOf({ q, verb, outcome, span }: Choice, now: number): AuditFilter {
  const hour = 3_600_000;
  const back = days[span as keyof typeof days];
  return {
    ...(q && { q }),
    ...(verb && { verb: /^[a-z]+$/.test(verb) ? `${verb}.*` : verb }),
    ...(isOutcome(outcome) && { outcome }),
    ...(back && { since: new Date(Math.floor(now / hour) * hour - back * 24 * hour).toISOString() }),
  };
}

export const outcomes = ["ok", "denied", "failed"] as const;

const isOutcome = (text: string): text is (typeof outcomes)[number] =>
  (outcomes as readonly string[]).includes(text);
