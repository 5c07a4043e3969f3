import { lazy, Suspense } from "react";
import type { Container } from "@/api/types";
import { formatBytes, formatBytesOf, formatCores } from "@/lib/quantity";
import { containers as words } from "@/strings/containers";
import { Panel } from "@/ui/panel";
import { useStats } from "./use-stats";

const Chart = lazy(() => import("./chart").then((module) => ({ default: module.Chart })));

interface StatsProps {
  container: Container;
  /** Whether its node can be asked at all. */
  reachable: boolean;
}

export function StatsPanel({ container, reachable }: StatsProps) {
  const samples = useStats(container);
  const last = samples.at(-1);
  if (!last) {
    return (
      <Panel title={words.stats}>
        <p className="flex h-44 items-center justify-center px-4 text-center text-muted">
          {waitingFor(container, reachable)}
        </p>
      </Panel>
    );
  }
  const memory = formatBytesOf(last.memory, last.limit);
  return (
    <Panel title={words.stats}>
      <div className="grid gap-4 p-4 sm:grid-cols-2">
        <Figure title={words.statsCpu} value={formatCores(last.cpu)}>
          <Chart samples={samples} of={(s) => s.cpu} format={formatCores} floor={0.1} />
        </Figure>
        <Figure title={words.statsMemory} value={memory}>
          <Chart samples={samples} of={(s) => s.memory} format={formatBytes} floor={2 ** 20} binary />
        </Figure>
      </div>
    </Panel>
  );
}

function waitingFor({ phase }: Container, reachable: boolean): string {
  if (!reachable) return words.statsUnreachable;
  return phase === "running" ? words.statsWaiting : words.statsNot;
}

function Figure({ title, value, children }: { title: string; value: string; children: React.ReactNode }) {
  return (
    <figure className="min-w-0">
      <figcaption className="mb-2 flex items-baseline justify-between gap-2 text-sm">
        <span className="text-muted">{title}</span>
        <span className="tabular-nums">{value}</span>
      </figcaption>
      <div className="h-36">
        <Suspense>{children}</Suspense>
      </div>
    </figure>
  );
}
