import type { Container, Migration } from "@/api/types";
import { Age } from "@/components/age";
import { MoveBadge } from "@/components/states";
import { cx } from "@/lib/cx";
import { triggerWords } from "@/strings";
import { moves as words } from "@/strings/moves";
import { Table, Td, Th, Tr } from "@/ui/table";
import { EndButton } from "./end-move";
import { formatMs, isOpen, mayRollBack, stepsOf, tookMs } from "./moves";

export interface NamesProps {
  nameOf: (nodeId: string | undefined) => string;
}

interface HistoryProps extends NamesProps {
  container: Container;
  moves: Migration[];
  mayManage: boolean;
}

/** Where it was, why it left, and what every step of that took. */
export function MoveHistory({ container, moves, mayManage, nameOf }: HistoryProps) {
  return (
    <Table
      label={words.history}
      head={
        <>
          <Th>{words.way}</Th>
          <Th wide>{words.outcome}</Th>
          <Th wide>{words.why}</Th>
          <Th wide>{words.when}</Th>
          <Th wide className="text-right">
            {words.took}
          </Th>
        </>
      }
    >
      {moves.map((m) => (
        <Row key={m.id} move={m} nameOf={nameOf}>
          {mayManage && !isOpen(m) && mayRollBack(m, container) && (
            <EndButton move={m} how="rollBack" text={words.rollBackText(nameOf(m.fromNodeId))} />
          )}
        </Row>
      ))}
    </Table>
  );
}

function Row({ move: m, nameOf, children }: { move: Migration; children: React.ReactNode } & NamesProps) {
  const took = tookMs(m);
  return (
    <Tr>
      <Td className="py-2.5">
        <p className="break-words">
          {nameOf(m.fromNodeId)} → {nameOf(m.toNodeId ?? m.targetNodeId)}
        </p>
        <Timeline move={m} />
        {m.error && (
          <p
            className={cx(
              "max-w-lg text-sm break-words",
              m.state === "cancelled" ? "text-muted" : "text-bad",
            )}
          >
            {m.error}
          </p>
        )}
        <div className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted md:hidden">
          <MoveBadge state={m.state} />
          {triggerWords[m.trigger]}
          <Age at={m.createdAt} />
        </div>
        {children}
      </Td>
      <Td wide>
        <MoveBadge state={m.state} />
      </Td>
      <Td wide className="text-sm">
        {triggerWords[m.trigger]}
        {m.reason && <p className="max-w-48 text-xs break-words text-muted">{m.reason}</p>}
      </Td>
      <Td wide className="text-muted">
        <Age at={m.createdAt} />
      </Td>
      <Td wide className="text-right whitespace-nowrap text-muted tabular-nums">
        {took === null ? "–" : formatMs(took)}
      </Td>
    </Tr>
  );
}

/** The steps that a move passed, each with what it took. */
export function Timeline({ move: m }: { move: Migration }) {
  const ports = (m.ports ?? []).map((p) => `${p.from} → ${p.to}`).join(", ");
  return (
    <>
      <ol className="mt-1 flex flex-wrap gap-x-3 gap-y-0.5 text-xs text-muted tabular-nums">
        {stepsOf(m).map(({ name, ms }, i) => (
          <li key={name}>
            {name}
            {i > 0 && ` +${formatMs(ms)}`}
          </li>
        ))}
      </ol>
      {m.overlapMs !== undefined && m.overlapMs > 0 && (
        <p className="text-xs text-warn">{words.overlapped(formatMs(m.overlapMs))}</p>
      )}
      {ports && <p className="text-xs text-muted">{words.ports(ports)}</p>}
    </>
  );
}
