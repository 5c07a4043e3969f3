import { Clock, LoaderCircle } from "lucide-react";
import { Link } from "react-router";
import { reasonOf } from "@/api/merge";
import { type NodeName, useNodeNames } from "@/api/nodes";
import type { Container } from "@/api/types";
import { MigrationBadge, PhaseBadge } from "@/components/states";
import { powerWords, strings } from "@/strings";
import { containers as words } from "@/strings/containers";
import { LongTable, type Place } from "@/ui/long-table";
import { Td, Th, Tr } from "@/ui/table";
import { PortList } from "./ports";
import { outlookOf, reachable } from "./verbs";
import { useWish } from "./wishes";

interface TableProps {
  containers: Container[];
  more?: boolean;
  /** On a node's own page the column would say the same in every row. */
  hideNode?: boolean;
  choice?: Choice | undefined;
}

/** Which rows are chosen, for what is done to many at once. */
export interface Choice {
  has: (id: string) => boolean;
  toggle: (ids: string[], on: boolean) => void;
}

export function ContainerTable({ containers, more, hideNode, choice }: TableProps) {
  const nodes = useNodeNames();
  return (
    <LongTable
      label={words.title}
      items={containers}
      more={more}
      head={
        <>
          <Th>
            {choice && <ChooseAll containers={containers} choice={choice} />}
            {words.name}
          </Th>
          <Th wide>{words.phase}</Th>
          {!hideNode && <Th wide>{words.node}</Th>}
          <Th wide>{words.ports}</Th>
          <Th wide>{words.resources}</Th>
        </>
      }
    >
      {(c, place) => (
        <Row
          key={c.id}
          place={place}
          container={c}
          node={nodes.get(c.nodeId)}
          hideNode={hideNode}
          choice={choice}
        />
      )}
    </LongTable>
  );
}

function ChooseAll({ containers, choice }: { containers: Container[]; choice: Choice }) {
  return (
    <input
      type="checkbox"
      aria-label={words.bulk.chooseAll}
      checked={containers.every(({ id }) => choice.has(id))}
      onChange={(event) =>
        choice.toggle(
          containers.map(({ id }) => id),
          event.target.checked,
        )
      }
      className="mr-2.5 size-4 align-middle"
    />
  );
}

interface RowProps {
  place: Place;
  container: Container;
  node: NodeName | undefined;
  hideNode: boolean | undefined;
  choice: Choice | undefined;
}

function Row({ place, container: c, node, hideNode, choice }: RowProps) {
  const state = <ContainerState container={c} node={node} />;
  return (
    <Tr {...place}>
      <Td className="max-md:py-2.5">
        <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
          <span className="flex min-w-0 items-center gap-2.5">
            {choice && (
              <input
                type="checkbox"
                aria-label={words.bulk.choose(c.name)}
                checked={choice.has(c.id)}
                onChange={(event) => choice.toggle([c.id], event.target.checked)}
                className="size-4 shrink-0"
              />
            )}
            <Link
              to={`/containers/${c.id}`}
              className="min-w-0 font-medium break-words hover:underline max-md:wrap-anywhere"
            >
              {c.name}
            </Link>
          </span>
          <span className="md:hidden">{state}</span>
        </div>
        {!hideNode && node && <p className="text-xs text-muted md:hidden">{node.name}</p>}
        <div className="md:hidden">
          <Reason container={c} />
        </div>
      </Td>
      <Td wide className="py-2.5">
        {state}
        <Reason container={c} />
      </Td>
      {!hideNode && (
        <Td wide>
          {node ? (
            <Link to={`/nodes/${node.id}`} className="hover:underline">
              {node.name}
            </Link>
          ) : (
            "–"
          )}
        </Td>
      )}
      <Td wide>
        <PortList ports={c.ports} />
      </Td>
      <Td wide className="text-sm whitespace-nowrap text-muted tabular-nums">
        {c.resources.cpu} {strings.cores} · {c.resources.memory}
      </Td>
    </Tr>
  );
}

function Reason({ container }: { container: Container }) {
  const reason = reasonOf(container);
  if (!reason) return null;
  return (
    <p className="mt-1 line-clamp-2 max-w-sm text-xs break-words text-muted" title={reason}>
      {reason}
    </p>
  );
}

/** What it is, and beside it what it should be where that differs. */
export function ContainerState({ container, node }: { container: Container; node: NodeName | undefined }) {
  const outlook = outlookOf(container, node?.state, useWish(container.id));
  return (
    <span className="inline-flex flex-wrap items-center gap-x-1.5 gap-y-1">
      <PhaseBadge phase={container.phase} stale={!reachable(node?.state)} />
      <MigrationBadge status={container.migration_status} />
      {outlook.kind === "queued" && (
        <span className="inline-flex items-center gap-1 text-xs text-warn">
          <Clock aria-hidden className="size-3.5" />→ {powerWords[outlook.want]}
        </span>
      )}
      {outlook.kind === "asking" && (
        <span className="inline-flex items-center gap-1 text-xs text-muted">
          <LoaderCircle aria-hidden className="size-3.5 animate-spin" />
          {words.asking(powerWords[outlook.want])}
        </span>
      )}
      {outlook.kind === "working" && <span className="text-xs text-muted">→ {powerWords[outlook.want]}</span>}
    </span>
  );
}
