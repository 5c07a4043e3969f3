import { type RefObject, useEffect, useRef, useState } from "react";
import { useLive } from "@/components/live";
import { type Cell, useCell } from "@/lib/cell";
import { theme } from "@/lib/theme";
import type { LinkStatus } from "@/live/link";
import { type LogLink, LogReader } from "./log-reader";
import type { Found, Screen, View } from "./terminal";

/** How often new lines are read out. */
const hearMs = 1500;

interface Shown {
  /** Null until the terminal is loaded. */
  screen: Screen | null;
  link: LogLink;
  view: View;
  found: Found | null;
  /** Nothing was printed yet. */
  blank: boolean;
  /** The last lines, now and then, to be read out. */
  newest: string;
}

export interface Console extends Shown {
  box: RefObject<HTMLDivElement | null>;
  /** Asks again after a refusal. */
  retry: () => void;
}

const nothing: Shown = {
  screen: null,
  link: { state: "connecting" },
  view: { follows: true, scrolls: false },
  found: null,
  blank: true,
  newest: "",
};

/** A terminal in a box, with the console of a container in it, while the component stands. */
export function useConsole(id: string): Console {
  const box = useRef<HTMLDivElement>(null);
  const [shown, setShown] = useState(nothing);
  const [round, setRound] = useState(0);
  const { status } = useLive().link;
  const painted = useCell(theme);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme or round begins anew
  useEffect(() => {
    const gone = new AbortController();
    const { signal } = gone;
    const tell = (news: Partial<Shown>) => {
      if (!signal.aborted) setShown((before) => ({ ...before, ...news }));
    };
    tell(nothing);
    import("./terminal")
      .then(({ Screen }) => {
        if (!signal.aborted && box.current) follow({ id, box: box.current, Screen, status, signal, tell });
      })
      .catch((error: unknown) => tell({ link: { state: "ended", error } }));
    return () => gone.abort();
  }, [id, status, painted, round]);
  return { ...shown, box, retry: () => setRound((n) => n + 1) };
}

interface Following {
  id: string;
  box: HTMLElement;
  Screen: typeof Screen;
  status: Cell<LinkStatus>;
  signal: AbortSignal;
  tell(news: Partial<Shown>): void;
}

function follow({ id, box, Screen, status, signal, tell }: Following): void {
  const screen = new Screen(box, { onView: (view) => tell({ view }), onFound: (found) => tell({ found }) });
  let hearing: ReturnType<typeof setTimeout> | undefined;
  const hear = () => {
    hearing = undefined;
    tell({ newest: screen.newest() });
  };
  const reader = new LogReader({
    id,
    show: async (text) => {
      if (text === "") return;
      tell({ blank: false });
      await screen.write(text);
      if (!signal.aborted) hearing ??= setTimeout(hear, hearMs);
    },
    onLink: (link) => tell({ link }),
    now: Date.now,
  });
  const unwatch = status.subscribe(() => {
    const { state } = status.get();
    if (state === "reconnecting") reader.renew(); // this connection is not to be trusted either
    if (state === "live") reader.hurry();
  });
  signal.addEventListener("abort", () => {
    unwatch();
    clearTimeout(hearing);
    reader.stop();
    screen.close();
  });
  tell({ screen });
  void reader.run();
}
