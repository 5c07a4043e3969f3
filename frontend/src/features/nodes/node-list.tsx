import { Plus } from "lucide-react";
import { Link, useSearchParams } from "react-router";
import { useNodeNames, useNodes } from "@/api/nodes";
import type { Node } from "@/api/types";
import { Age } from "@/components/age";
import { List } from "@/components/list";
import { NoMatch } from "@/components/no-match";
import { NodeBadge } from "@/components/states";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { LongTable, type Place } from "@/ui/long-table";
import { Empty } from "@/ui/panel";
import { Td, Th, Tr } from "@/ui/table";
import { applyFilter, type Filter, readFilter, writeFilter } from "./filter";
import { FilterBar } from "./filter-bar";
import { UsageBars } from "./usage";

const words = strings.nodes;

export function NodeList({ onAdd }: { onAdd?: (() => void) | undefined }) {
  const [params, setParams] = useSearchParams();
  const filter = readFilter(params);
  const set = (change: Partial<Filter>) =>
    setParams(writeFilter({ ...filter, ...change }), { replace: true });
  return (
    <List
      query={useNodes()}
      aside={<FilterBar filter={filter} set={set} />}
      empty={
        <Empty
          title={words.emptyTitle}
          action={
            onAdd && (
              <Button look="primary" icon={Plus} onClick={onAdd}>
                {words.add}
              </Button>
            )
          }
        >
          {words.empty}
        </Empty>
      }
    >
      {(nodes) => {
        const shown = applyFilter(nodes, filter);
        return shown.length > 0 ? (
          <NodeTable nodes={shown} />
        ) : (
          <NoMatch clear={() => setParams({}, { replace: true })} />
        );
      }}
    </List>
  );
}

function NodeTable({ nodes }: { nodes: Node[] }) {
  return (
    <LongTable
      label={words.title}
      items={nodes}
      head={
        <>
          <Th>{words.node}</Th>
          <Th wide>{words.state}</Th>
          <Th wide className="w-[38%]">
            {words.usage}
          </Th>
          <Th wide className="text-right">
            {words.containers}
          </Th>
        </>
      }
    >
      {(node, place) => <NodeRow key={node.id} node={node} place={place} />}
    </LongTable>
  );
}

function NodeRow({ node, place }: { node: Node; place: Place }) {
  return (
    <Tr {...place}>
      <Td className="max-md:py-3">
        <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1.5">
          <div className="min-w-0">
            <Link
              to={`/nodes/${node.id}`}
              className="font-medium break-words hover:underline max-md:wrap-anywhere"
            >
              {node.name}
            </Link>
            <p className="truncate text-xs text-muted">
              {[node.hostname || node.description, node.agentVersion && words.agentVersion(node.agentVersion)]
                .filter(Boolean)
                .join(" · ")}
            </p>
          </div>
          <span className="md:hidden">
            <NodeBadge state={node.state} />
          </span>
        </div>
        <div className="mt-2 md:hidden">
          <UsageBars node={node} />
          <Why node={node} />
        </div>
      </Td>
      <Td wide>
        <NodeBadge state={node.state} />
        <Why node={node} />
      </Td>
      <Td wide className="py-2.5">
        <UsageBars node={node} />
      </Td>
      <Td wide className="text-right tabular-nums">
        {node.live?.containers ?? "–"}
      </Td>
    </Tr>
  );
}

/** Since when, and the reason where there is something to explain. */
function Why({ node }: { node: Node }) {
  return (
    <p className="mt-0.5 text-xs text-muted max-md:mt-2">
      <Age at={node.since} bare />
      {node.state !== "healthy" && node.reason && ` · ${node.reason}`}
    </p>
  );
}

/** "3 nodes, 1 not healthy", for beside the title. */
export function NodeSummary() {
  const nodes = Array.from(useNodeNames().values());
  if (nodes.length === 0) return null;
  const bad = nodes.filter((node) => node.state !== "healthy").length;
  return (
    <span className="text-sm text-muted max-sm:order-last max-sm:basis-full">
      {words.summary(nodes.length, bad)}
    </span>
  );
}
