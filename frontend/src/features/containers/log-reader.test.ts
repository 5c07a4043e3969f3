import { afterEach, describe, expect, it, vi } from "vitest";
import { forgetSession, signedIn } from "@/api/session";
import { mark } from "./log-place";
import { type LogLink, LogReader } from "./log-reader";

const user = { id: "u", email: "a@b", name: "", mustChangePassword: false };
const lines = (...entries: object[]) => entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");

type Answer = (signal: AbortSignal) => Response | Promise<Response>;

/** What comes, and then an end that is not one. */
const broken = (text: string): Answer => {
  let sent = false;
  const body = new ReadableStream<Uint8Array>({
    pull(out) {
      if (sent) return out.error(new TypeError("network error"));
      sent = true;
      out.enqueue(new TextEncoder().encode(text));
    },
  });
  return () => new Response(body);
};

/** What comes, and then silence for as long as somebody listens. */
const silent =
  (text: string): Answer =>
  (signal) =>
    new Response(
      new ReadableStream<Uint8Array>({
        start(out) {
          out.enqueue(new TextEncoder().encode(text));
          signal.addEventListener("abort", () => out.error(signal.reason));
        },
      }),
    );

const refused =
  (status: number): Answer =>
  () =>
    new Response(JSON.stringify({ status, title: "no" }), { status });

/** A reader of a controller that gives these answers, one after the other. */
function read(...answers: Answer[]) {
  forgetSession();
  signedIn({ access: "token", lifeMs: 900_000, user });
  const asked: string[] = [];
  vi.stubGlobal("fetch", async ({ url, signal }: Request) => {
    asked.push(new URL(url).search);
    const next = answers.shift();
    return next ? next(signal) : new Promise<Response>(() => {});
  });
  const clock = { now: Date.parse("2026-01-01T12:03:10"), hurried: false };
  let screen = "";
  const links: LogLink[] = [];
  const reader = new LogReader({
    id: "c",
    onLink: (link) => {
      links.push(link);
      if (clock.hurried && link.state === "lost") reader.hurry();
    },
    now: () => clock.now,
    show: async (text) => {
      screen += text;
    },
  });
  const running = reader.run();
  return { reader, running, asked, links, clock, screen: () => screen };
}

const begin = { book: "b", next: 1 };

afterEach(() => vi.unstubAllGlobals());

describe("the reader of a console", () => {
  it("goes on after the last line when the connection broke, and says when that was", async () => {
    const { clock, reader, running, asked, links, screen } = read(
      broken(lines(begin, { n: 1, text: "one" })),
      (signal) => {
        clock.now += 30_000;
        return silent(lines({ book: "b", next: 2 }, { gap: { from: 2, to: 43 } }, { n: 44, text: "two" }))(
          signal,
        );
      },
    );
    await vi.waitFor(() => expect(screen()).toContain("two"), { timeout: 10_000 });
    expect(screen()).toMatch(/^one\n.*connection lost .*03:10.* – .*03:40.*\n.*42 lines missing.*\ntwo\n$/);
    expect(asked.map((query) => new URLSearchParams(query).get("after"))).toEqual([null, "1"]);
    expect(asked[1]).toContain("book=b");
    expect(links.map(({ state }) => state)).toEqual(["open", "lost", "open"]);
    reader.stop();
    await running;
  });

  it("begins again at once where the network changed, and shows no line twice", async () => {
    const { reader, asked, links, screen } = read(
      silent(lines(begin, { n: 1, text: "one" })),
      silent(lines({ book: "b", next: 2 }, { n: 2, text: "two" })),
    );
    await vi.waitFor(() => expect(screen()).toBe("one\n"));
    reader.renew();
    await vi.waitFor(() => expect(screen()).toBe("one\ntwo\n"));
    expect(asked).toHaveLength(2);
    expect(links.map(({ state }) => state)).toEqual(["open", "open"]);
    reader.stop();
  });

  it("marks where a container goes on in another place", async () => {
    const { reader, screen } = read(
      broken(lines({ book: "a", next: 7 }, { n: 7, text: "here" })),
      silent(lines(begin, { n: 1, text: "there" })),
    );
    await vi.waitFor(() => expect(screen()).toContain("there"), { timeout: 10_000 });
    const anew = mark("the console begins anew: this was printed in another place");
    expect(screen()).toMatch(/^here\n.*connection lost/);
    expect(screen()).toContain(`\n${anew}there\n`);
    reader.stop();
  });

  it("does not fill the screen with what is wrong for a while", async () => {
    const wrong = lines({ error: "the disk is full" });
    const { reader, asked, clock, links, screen } = read(
      broken(wrong),
      broken(wrong),
      broken(wrong),
      silent(lines(begin, { n: 1, text: "well" })),
    );
    clock.hurried = true;
    await vi.waitFor(() => expect(screen()).toContain("well"));
    expect(asked).toHaveLength(4);
    expect(screen().match(/the disk is full/g)).toHaveLength(1);
    expect(screen().match(/connection lost/g)).toHaveLength(1);
    expect(links.filter(({ state }) => state === "open")).toHaveLength(1);
    reader.stop();
  });

  it("gives up where it is refused, and not where it is only too early", async () => {
    const { running, links } = read(refused(504), refused(403));
    await running;
    expect(links.map(({ state }) => state)).toEqual(["lost", "ended"]);
  });
});
