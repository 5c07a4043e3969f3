import { useInfiniteQuery } from "@tanstack/react-query";
import { Ban, CircleCheck, type LucideIcon, TriangleAlert } from "lucide-react";
import { useSearchParams } from "react-router";
import { auditQuery } from "@/api/queries";
import type { AuditEntry } from "@/api/types";
import { List } from "@/components/list";
import { Time } from "@/components/time";
import { audit as words } from "@/strings/audit";
import { containers as containersWords } from "@/strings/containers";
import { Badge, type Tone } from "@/ui/badge";
import { Button } from "@/ui/button";
import { LongTable, type Place } from "@/ui/long-table";
import { Empty } from "@/ui/panel";
import { Td, Th, Tr } from "@/ui/table";
import { filterOf, read, write } from "./filter";
import { FilterBar } from "./filter-bar";

const outcomes: Record<AuditEntry["outcome"], { tone: Tone; icon: LucideIcon }> = {
  ok: { tone: "ok", icon: CircleCheck },
  denied: { tone: "warn", icon: Ban },
  failed: { tone: "bad", icon: TriangleAlert },
};

export function AuditLog() {
  const [params, setParams] = useSearchParams();
  const choice = read(params);
  const filter = filterOf(choice, Date.now());
  const narrowed = Object.keys(filter).length > 0;
  return (
    <List
      query={useInfiniteQuery(auditQuery(filter))}
      aside={
        <FilterBar
          choice={choice}
          filter={filter}
          set={(change) => setParams(write({ ...choice, ...change }), { replace: true })}
        />
      }
      empty={
        narrowed ? (
          <Empty
            title={containersWords.noMatchTitle}
            action={<Button onClick={() => setParams({}, { replace: true })}>{containersWords.clear}</Button>}
          />
        ) : (
          <Empty title={words.emptyTitle}>{words.empty}</Empty>
        )
      }
    >
      {(entries, more) => (
        <LongTable
          label={words.title}
          items={entries}
          more={more}
          head={
            <>
              <Th>{words.what}</Th>
              <Th wide>{words.target}</Th>
              <Th wide>{words.who}</Th>
              <Th wide>{words.outcome}</Th>
              <Th wide>{words.from}</Th>
              <Th wide>{words.when}</Th>
            </>
          }
        >
          {(entry, place) => <Row key={entry.id} place={place} entry={entry} />}
        </LongTable>
      )}
    </List>
  );
}

function Row({ entry, place }: { entry: AuditEntry; place: Place }) {
  const outcome = <Badge {...outcomes[entry.outcome]} label={entry.outcome} />;
  const target = entry.target?.name ?? entry.target?.kind ?? "";
  const who = entry.actor.name || entry.actor.kind;
  return (
    <Tr {...place}>
      <Td className="max-md:py-2.5">
        <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
          <span className="font-mono text-sm">{entry.verb}</span>
          <span className="md:hidden">{outcome}</span>
        </div>
        <Details entry={entry} />
        {entry.reason && <p className="text-xs break-words text-muted">{entry.reason}</p>}
        <p className="text-xs break-words text-muted md:hidden">
          {target && `${target} · `}
          {who} · <Time at={entry.at} />
        </p>
      </Td>
      <Td wide className="break-words">
        {target || "–"}
      </Td>
      <Td wide>{who}</Td>
      <Td wide>{outcome}</Td>
      <Td wide className="font-mono text-xs text-muted">
        {entry.address || "–"}
      </Td>
      <Td wide className="text-sm whitespace-nowrap text-muted tabular-nums">
        <Time at={entry.at} />
      </Td>
    </Tr>
  );
}

/** What a change made of what. */
function Details({ entry: { before, after, detail } }: { entry: AuditEntry }) {
  const parts = [
    [words.before, before],
    [words.after, after],
    [words.detail, detail],
  ].filter(([, value]) => value && Object.keys(value).length > 0);
  if (parts.length === 0) return null;
  return (
    <details className="text-xs">
      <summary className="cursor-pointer text-muted">{words.details}</summary>
      {parts.map(([label, value]) => (
        <div key={String(label)} className="mt-1">
          <span className="text-muted">{String(label)}</span>
          <pre className="max-h-48 max-w-xl overflow-auto rounded bg-sunken p-2 font-mono break-words whitespace-pre-wrap">
            {JSON.stringify(value, null, 2)}
          </pre>
        </div>
      ))}
    </details>
  );
}
