import { useInfiniteQuery } from "@tanstack/react-query";
import { Ban, CircleCheck, type LucideIcon, TriangleAlert } from "lucide-react";
import { auditQuery } from "@/api/queries";
import type { AuditEntry } from "@/api/types";
import { List } from "@/components/list";
import { Time } from "@/components/time";
import { strings } from "@/strings";
import { Badge, type Tone } from "@/ui/badge";
import { Empty } from "@/ui/panel";
import { Table, Td, Th, Tr } from "@/ui/table";

const words = strings.audit;

const outcomes: Record<AuditEntry["outcome"], { tone: Tone; icon: LucideIcon }> = {
  ok: { tone: "ok", icon: CircleCheck },
  denied: { tone: "warn", icon: Ban },
  failed: { tone: "bad", icon: TriangleAlert },
};

export function AuditLog() {
  return (
    <List
      query={useInfiniteQuery(auditQuery())}
      empty={<Empty title={words.emptyTitle}>{words.empty}</Empty>}
    >
      {(entries) => (
        <Table
          label={words.title}
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
          {entries.map((entry) => (
            <Row key={entry.id} entry={entry} />
          ))}
        </Table>
      )}
    </List>
  );
}

function Row({ entry }: { entry: AuditEntry }) {
  const outcome = <Badge {...outcomes[entry.outcome]} label={entry.outcome} />;
  const target = entry.target?.name ?? entry.target?.kind ?? "";
  const who = entry.actor.name || entry.actor.kind;
  return (
    <Tr>
      <Td className="max-md:py-2.5">
        <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
          <span className="font-mono text-sm">{entry.verb}</span>
          <span className="md:hidden">{outcome}</span>
        </div>
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
