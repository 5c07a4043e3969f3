import { ArrowDown } from "lucide-react";
import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { Fault } from "@/components/fault";
import { cx } from "@/lib/cx";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { Panel } from "@/ui/panel";
import { type Logs, useLogs } from "./use-logs";

const words = strings.containers;

export function LogPanel({ id, children }: { id: string; children?: ReactNode }) {
  const logs = useLogs(id);
  const text = logs.log.lines.map((line) => line.text).join("\n");
  return (
    <Panel
      title={words.logs}
      aside={
        <div className="flex items-center">
          <Button look="quiet" onClick={logs.clear}>
            {words.logsClear}
          </Button>
          <CopyButton bare text={text} />
        </div>
      }
    >
      {logs.state === "failed" && <Fault error={logs.error} className="m-3" />}
      <LogView logs={logs} />
      {children}
    </Panel>
  );
}

/** Sticks to the newest line until the reader scrolls away from it. */
function LogView({ logs }: { logs: Logs }) {
  const box = useRef<HTMLDivElement>(null);
  const [sticks, setSticks] = useState(true);
  const { lines } = logs.log;
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are what it runs for
  useLayoutEffect(() => {
    if (sticks) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [lines, sticks]);
  const onScroll = () => {
    const at = box.current;
    if (at) setSticks(at.scrollHeight - at.scrollTop - at.clientHeight < 24);
  };
  return (
    <div className="relative">
      <div
        ref={box}
        onScroll={onScroll}
        role="log"
        aria-label={words.logs}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        tabIndex={0}
        className="h-80 overflow-auto rounded-b-lg bg-terminal px-4 py-3 font-mono text-xs leading-5 text-terminal-ink"
      >
        {lines.length === 0 && (
          <p className="opacity-60">{logs.state === "open" ? words.logsEmpty : words.logsWaiting}</p>
        )}
        {lines.map((line) => (
          <div
            key={line.n}
            className={cx("min-h-5 break-words whitespace-pre-wrap", line.mark && "py-1 opacity-60")}
          >
            {line.text}
          </div>
        ))}
      </div>
      {!sticks && (
        <Button
          icon={ArrowDown}
          onClick={() => setSticks(true)}
          className="absolute right-4 bottom-3 shadow-md"
        >
          {words.logsFollow}
        </Button>
      )}
    </div>
  );
}
