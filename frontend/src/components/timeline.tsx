import { useState } from "react";
import { cx } from "@/lib/cx";
import { strings } from "@/strings";
import type { Tone } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Panel } from "@/ui/panel";
import { Age } from "./age";
import type { Happening } from "./happenings";

const words = strings.events;
const step = 12;

const dots: Record<Tone, string> = {
  ok: "bg-ok",
  busy: "bg-busy",
  warn: "bg-warn",
  bad: "bg-bad",
  idle: "bg-line-strong",
};

/** What happened, the newest first, along a line. */
export function Timeline({ events }: { events: Happening[] }) {
  const [shown, setShown] = useState(step);
  return (
    <Panel title={words.title}>
      {events.length === 0 && <p className="p-4 text-muted">{words.none}</p>}
      <ol aria-label={words.title} className="px-4 py-3">
        {events.slice(0, shown).map((event, i) => (
          <li key={event.id} className="relative flex gap-3 pb-3 pl-5 last:pb-1">
            <span
              aria-hidden
              className={cx("absolute top-1.5 left-0 size-2 rounded-full", dots[event.tone])}
            />
            {i < Math.min(shown, events.length) - 1 && (
              <span aria-hidden className="absolute top-4 bottom-0 left-[3px] w-0.5 bg-line" />
            )}
            <div className="min-w-0 flex-1">
              <p className={cx("break-words", event.tone === "bad" && "text-bad")}>{event.title}</p>
              {(event.detail || event.by) && (
                <p className="text-sm break-words text-muted">
                  {event.detail}
                  {event.detail && event.by && " · "}
                  {event.by && words.by(event.by)}
                </p>
              )}
            </div>
            <span className="shrink-0 text-sm text-muted">
              <Age at={event.at} />
            </span>
          </li>
        ))}
      </ol>
      {events.length > shown && (
        <div className="border-t border-line p-2 text-center">
          <Button look="quiet" onClick={() => setShown(shown + step)}>
            {strings.more}
          </Button>
        </div>
      )}
    </Panel>
  );
}
