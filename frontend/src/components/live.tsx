/** The tab's one live connection, for whoever is signed in. */
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { LiveConnection } from "@/api/connection";
import { useCell } from "@/lib/cell";
import { cx } from "@/lib/cx";
import { formatClock } from "@/lib/time";
import type { Dial } from "@/live/link";
import { linkWords } from "@/strings";

const Context = createContext<LiveConnection | null>(null);

export function LiveProvider({ dial, children }: { dial: Dial; children: ReactNode }) {
  const [live] = useState(() => new LiveConnection(dial));
  useEffect(() => live.run(), [live]);
  return <Context value={live}>{children}</Context>;
}

export function useLive(): LiveConnection {
  const live = useContext(Context);
  if (!live) throw new Error("useLive is for what stands inside LiveProvider");
  return live;
}

const dots = {
  connecting: "bg-muted",
  live: "bg-ok",
  reconnecting: "bg-warn animate-pulse",
  offline: "bg-bad",
};

/** Whether what is on the screen is the present. */
export function LiveDot({ className }: { className?: string }) {
  const status = useCell(useLive().link.status);
  return (
    <span role="status" className={cx("inline-flex items-center gap-2 text-xs text-muted", className)}>
      <span aria-hidden className={cx("size-2 rounded-full", dots[status.state])} />
      {linkWords(status, formatClock)}
    </span>
  );
}
