import { useInfiniteQuery } from "@tanstack/react-query";
import { Clock } from "lucide-react";
import { Link } from "react-router";
import { reasonOf } from "@/api/merge";
import { itemsOf, nodesQuery } from "@/api/queries";
import type { Container, Node } from "@/api/types";
import { MigrationBadge, PhaseBadge } from "@/components/states";
import { powerWords, strings } from "@/strings";
import { Table, Td, Th, Tr } from "@/ui/table";
import { PortList } from "./ports";
import { outlookOf, reachable } from "./verbs";

const words = strings.containers;

interface TableProps {
  containers: Container[];
  /** On a node's own page the column would say the same in every row. */
  hideNode?: boolean;
}

export function ContainerTable({ containers, hideNode }: TableProps) {
  const nodes = itemsOf(useInfiniteQuery(nodesQuery()).data);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  return (
    <Table
      label={words.title}
      head={
        <>
          <Th>{words.name}</Th>
          <Th wide>{words.phase}</Th>
          {!hideNode && <Th wide>{words.node}</Th>}
          <Th wide>{words.ports}</Th>
          <Th wide>{words.resources}</Th>
        </>
      }
    >
      {containers.map((c) => (
        <Row key={c.id} container={c} node={byId.get(c.nodeId)} hideNode={hideNode} />
      ))}
    </Table>
  );
}

interface RowProps {
  container: Container;
  node: Node | undefined;
  hideNode: boolean | undefined;
}

function Row({ container: c, node, hideNode }: RowProps) {
  const state = <ContainerState container={c} node={node} />;
  return (
    <Tr>
      <Td className="max-md:py-2.5">
        <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
          <Link to={`/containers/${c.id}`} className="font-medium break-words hover:underline">
            {c.name}
          </Link>
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
        {c.resources.cpu} {strings.create.cpuAside} · {c.resources.memory}
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
export function ContainerState({ container, node }: { container: Container; node: Node | undefined }) {
  const outlook = outlookOf(container, node?.state);
  return (
    <span className="inline-flex flex-wrap items-center gap-x-1.5 gap-y-1">
      <PhaseBadge phase={container.phase} stale={!reachable(node?.state)} />
      <MigrationBadge status={container.migration_status} />
      {outlook.kind === "queued" && (
        <span className="inline-flex items-center gap-1 text-xs text-warn">
          <Clock aria-hidden className="size-3.5" />→ {powerWords[outlook.want]}
        </span>
      )}
      {outlook.kind === "working" && <span className="text-xs text-muted">→ {powerWords[outlook.want]}</span>}
    </span>
  );
}
