/**
 * Reads a container's console for as long as somebody looks. When the
 * connection breaks it goes on where it was: nothing is lost that the node
 * still has, and what is lost is said.
 */
import { api } from "@/api/endpoints";
import { ApiError } from "@/api/problem";
import { formatClock } from "@/lib/time";
import { console as consoleWords } from "@/strings/console";
import { type Entry, mark, type Place, placeAfter, shownOf } from "./log-place";

/** As many lines as a node keeps. */
const tailLines = 5000;
const firstRetryMs = 500;
const retryMs = 3000;

export type LogLink =
  | { state: "connecting" | "open" }
  | { state: "lost"; since: number; error: unknown }
  | { state: "ended"; error: unknown };

interface ReaderOptions {
  id: string;
  /** Resolves when it is shown; nothing more is read before. */
  show(text: string): Promise<void>;
  onLink(link: LogLink): void;
  now(): number;
}

export class LogReader {
  private options: ReaderOptions;
  private attempt = new AbortController();
  private stopped = false;
  private place: Place = {};
  private lostAt: number | null = null;
  private answered = false; // the node, in this attempt
  private complaint = ""; // the last, which is not said again before something else

  constructor(options: ReaderOptions) {
    this.options = options;
  }

  /** Until it is stopped, or asking again cannot help. */
  async run(): Promise<void> {
    while (!this.stopped) {
      this.attempt = new AbortController();
      const { signal } = this.attempt;
      const error = await this.read(signal).catch((e: unknown) => e);
      if (this.stopped) return;
      if (signal.aborted) continue;
      if (isFinal(error)) return this.options.onLink({ state: "ended", error });
      const again = this.lostAt !== null;
      this.lostAt ??= this.options.now();
      this.options.onLink({ state: "lost", since: this.lostAt, error });
      await pause(again ? retryMs : firstRetryMs, signal);
    }
  }

  /** Begins again at once: the connection may be dead without having said so. */
  renew(): void {
    this.attempt.abort();
  }

  /** Does not wait to ask again, if it is cut off. */
  hurry(): void {
    if (this.lostAt !== null) this.renew();
  }

  stop(): void {
    this.stopped = true;
    this.attempt.abort();
  }

  private async read(signal: AbortSignal): Promise<void> {
    const query = { tail: tailLines, ...this.place };
    this.answered = false;
    const response = await api.containers.logs(this.options.id, query, signal);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      const lines = (rest + part.value).split("\n");
      rest = lines.pop() ?? "";
      await this.options.show(this.take(lines));
    }
  }

  private take(lines: string[]): string {
    let shown = "";
    for (const line of lines) {
      const entry = JSON.parse(line) as Entry;
      if (entry.error !== undefined && entry.error === this.complaint) continue;
      if (entry.error === undefined && !this.answered) shown += this.welcome();
      this.complaint = entry.error ?? "";
      shown += shownOf(this.place, entry);
      this.place = placeAfter(this.place, entry);
    }
    return shown;
  }

  /** The node answers: what is said of a break before that. */
  private welcome(): string {
    const { lostAt } = this;
    this.answered = true;
    this.lostAt = null;
    this.options.onLink({ state: "open" });
    if (lostAt === null) return "";
    const [from, to] = [formatClock(lostAt), formatClock(this.options.now())] as const;
    return mark(consoleWords.broken(from, to));
  }
}

/** What can become better by itself: a session that is renewed, fewer readers. */
const passing = [401, 429];

/** What was refused is refused again. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof ApiError) || passing.includes(error.status)) return false;
  return error.status >= 400 && error.status < 500;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
