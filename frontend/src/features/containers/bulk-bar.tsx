import { useQueryClient } from "@tanstack/react-query";
import { ArrowRightLeft, CircleCheck, LoaderCircle, TriangleAlert, X } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { api } from "@/api/endpoints";
import type { NodeName } from "@/api/nodes";
import { ApiError, explain } from "@/api/problem";
import { keys } from "@/api/queries";
import type { Container } from "@/api/types";
import { targetOf, useMay } from "@/components/may";
import { strings } from "@/strings";
import { containers as containersWords } from "@/strings/containers";
import { Button, IconButton } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { Panel } from "@/ui/panel";
import { type BulkVerb, bulkVerbs, fitFor, forEach, permissionFor } from "./bulk";
import { looks } from "./verb-bar";
import { unwish, wish } from "./wishes";

const words = containersWords.bulk;

/** How it went for one of them. */
interface Row {
  container: Container;
  error: unknown;
  over: boolean;
}

export interface Report {
  verb: BulkVerb;
  rows: Row[];
}

const faces = { ...looks, migrate: { icon: ArrowRightLeft, look: "plain" } } as const;

interface BarProps {
  chosen: Container[];
  nodes: ReadonlyMap<string, NodeName>;
  onNone: () => void;
  onReport: (change: (report: Report | null) => Report | null) => void;
}

/** What can be asked of all that are chosen; every verb says for how many of them. */
export function BulkBar({ chosen, nodes, onNone, onReport }: BarProps) {
  const client = useQueryClient();
  const may = useMay();
  const [asking, setAsking] = useState<Exclude<BulkVerb, "start"> | null>(null);
  const [busy, setBusy] = useState(false);
  const fitting = (verb: BulkVerb) =>
    fitFor(verb, chosen).filter((c) =>
      may(permissionFor(verb), targetOf(c, nodes.get(c.nodeId)?.cluster_id)),
    );
  const run = async (verb: BulkVerb) => {
    const containers = fitting(verb);
    setBusy(true);
    onReport(() => ({
      verb,
      rows: containers.map((container) => ({ container, error: null, over: false })),
    }));
    const ids = containers.map(({ id }) => id);
    if (verb !== "migrate") wish(ids, verb);
    await forEach(
      containers,
      (c) => ask(verb, c),
      (c, error) => {
        if (error !== null) unwish([c.id]);
        onReport((report) => told(report, c, error));
      },
    );
    setBusy(false);
    await Promise.all([keys.containers, keys.jobs].map((queryKey) => client.invalidateQueries({ queryKey })));
    unwish(ids);
  };
  const offered = bulkVerbs.map((verb) => [verb, fitting(verb).length] as const).filter(([, n]) => n > 0);
  return (
    <fieldset
      aria-label={words.label}
      disabled={busy}
      className="flex min-w-0 flex-wrap items-center gap-2 border-b border-line bg-sunken px-4 py-2"
    >
      <span className="mr-2 text-sm font-medium tabular-nums">{words.chosen(chosen.length)}</span>
      {offered.map(([verb, n]) => (
        <Button key={verb} {...faces[verb]} onClick={() => (verb === "start" ? run(verb) : setAsking(verb))}>
          {words.verb(words.verbs[verb], n)}
        </Button>
      ))}
      <Button look="quiet" onClick={onNone}>
        {words.none}
      </Button>
      {asking && (
        <Confirm
          open
          onClose={() => setAsking(null)}
          onConfirm={() => run(asking)}
          title={words.titles[asking](fitting(asking).length)}
          description={words.texts[asking]}
          action={words.verb(words.verbs[asking], fitting(asking).length)}
        />
      )}
    </fieldset>
  );
}

function ask(verb: BulkVerb, { id }: Container): Promise<unknown> {
  return verb === "migrate" ? api.containers.migrate(id, {}) : api.containers.act(id, verb);
}

function told(report: Report | null, { id }: Container, error: unknown): Report | null {
  if (!report) return null;
  const rows = report.rows.map((row) => (row.container.id === id ? { ...row, error, over: true } : row));
  return { ...report, rows };
}

/** How it went, row by row. */
export function BulkReport({ report, onClose }: { report: Report; onClose: () => void }) {
  const { verb, rows } = report;
  const refused = rows.filter((row) => row.error !== null).length;
  const asked = rows.filter((row) => row.over).length - refused;
  return (
    <Panel>
      <div className="flex items-center justify-between gap-2 border-b border-line py-1 pr-2 pl-4">
        <p role="status" className="font-medium">
          {words.report(words.verbs[verb], asked, rows.length)}
          {refused > 0 && words.refused(refused)}
        </p>
        <IconButton icon={X} label={strings.close} onClick={onClose} />
      </div>
      <ul className="max-h-64 divide-y divide-line overflow-y-auto text-sm">
        {rows.map((row) => (
          <ReportRow key={row.container.id} {...row} />
        ))}
      </ul>
    </Panel>
  );
}

/** What is wrong with single fields says more than that some are wrong. */
function whyNot(error: unknown): string {
  const faults = error instanceof ApiError ? error.faults : [];
  return faults.map(({ message }) => message).join("; ") || explain(error).detail;
}

function ReportRow({ container, error, over }: Row) {
  const Icon = over ? (error === null ? CircleCheck : TriangleAlert) : LoaderCircle;
  return (
    <li className="flex items-start gap-2.5 px-4 py-1.5">
      <Icon aria-hidden className={`mt-0.5 size-4 shrink-0 ${error === null ? "text-muted" : "text-bad"}`} />
      <Link to={`/containers/${container.id}`} className="w-28 shrink-0 break-words sm:w-40 hover:underline">
        {container.name}
      </Link>
      <span className={error === null ? "text-muted" : "min-w-0 break-words text-bad"}>
        {error !== null ? whyNot(error) : over ? words.asked : words.waiting}
      </span>
    </li>
  );
}
