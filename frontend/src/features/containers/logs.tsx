import { ArrowDownToLine, Eraser, Search } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useState } from "react";
import { ApiError } from "@/api/problem";
import { Fault } from "@/components/fault";
import { cx } from "@/lib/cx";
import { formatClock } from "@/lib/time";
import { console as words } from "@/strings/console";
import { IconButton } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { Panel } from "@/ui/panel";
import type { LogLink } from "./log-reader";
import { LogSearch } from "./log-search";
import { type Console, useConsole } from "./use-console";

interface LogProps {
  id: string;
  /** Below the console: where one writes to it. */
  children?: ReactNode;
}

/** What a container prints: all that its node keeps, and whatever comes. */
export function LogPanel({ id, children }: LogProps) {
  const shown = useConsole(id);
  const { screen, link } = shown;
  const [searching, setSearching] = useState(false);
  const endSearch = () => {
    setSearching(false);
    screen?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "f" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    setSearching(true);
  };
  const fault = faultOf(link);
  return (
    <Panel title={words.title} aside={<Tools shown={shown} onSearch={() => setSearching(!searching)} />}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys of what stands in it come by here */}
      <div onKeyDown={onKeyDown}>
        {fault !== null && (
          <Fault error={fault} {...(link.state === "ended" && { onRetry: shown.retry })} className="m-3" />
        )}
        {searching && screen && <LogSearch screen={screen} found={shown.found} onClose={endSearch} />}
        <div
          className={cx(
            "relative h-96 bg-terminal p-2 pl-4 font-mono has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-accent",
            !children && "rounded-b-lg",
          )}
          role="log"
          aria-label={words.title}
          aria-live="off" // it is drawn too often: what is new is read out below
        >
          <div ref={shown.box} className="h-full" />
          {shown.blank && (
            <p className="absolute top-2 left-4 text-xs text-terminal-ink">
              {link.state === "open" ? words.empty : words.waiting}
            </p>
          )}
        </div>
        <p aria-live="polite" className="sr-only">
          {shown.newest}
        </p>
        {children}
      </div>
    </Panel>
  );
}

function Tools({ shown, onSearch }: { shown: Console; onSearch: () => void }) {
  const { screen, link, view } = shown;
  return (
    <div className="flex items-center gap-1">
      <span role="status" className="mr-1 text-xs text-warn">
        {linkText(link)}
      </span>
      {screen && (
        <>
          {view.scrolls && (
            <IconButton
              icon={ArrowDownToLine}
              label={words.follow}
              aria-pressed={view.follows}
              className="aria-pressed:bg-accent-soft aria-pressed:text-accent-text"
              onClick={() => screen.follow(!view.follows)}
            />
          )}
          <IconButton icon={Search} label={words.search} onClick={onSearch} />
          <IconButton icon={Eraser} label={words.clear} onClick={() => screen.clear()} />
          <CopyButton bare label={words.copy} text={() => screen.text()} />
        </>
      )}
    </div>
  );
}

/** What the controller said against it; that it does not answer stands in the line above. */
function faultOf(link: LogLink): unknown {
  if (link.state === "ended") return link.error;
  return link.state === "lost" && link.error instanceof ApiError && link.error.status > 0 ? link.error : null;
}

function linkText(link: LogLink): string {
  return link.state === "lost" ? words.lost(formatClock(link.since)) : "";
}
