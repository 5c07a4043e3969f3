import { useInfiniteQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { memo, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { type NodeName, useNodeNames, useNodes } from "@/api/nodes";
import { containersQuery, itemsOf } from "@/api/queries";
import type { Container } from "@/api/types";
import { List } from "@/components/list";
import { useMay } from "@/components/may";
import { NoMatch } from "@/components/no-match";
import { compareNames } from "@/lib/names";
import { phaseWords, strings } from "@/strings";
import { containers as words } from "@/strings/containers";
import { buttonClass } from "@/ui/button";
import { filterBarClass, filterBox } from "@/ui/filter";
import { Empty } from "@/ui/panel";
import { bulkVerbs, permissionFor } from "./bulk";
import { BulkBar, BulkReport, type Report } from "./bulk-bar";
import { type Choice, ContainerTable } from "./container-table";
import { applyFilter, askedOf, type Filter, isSet, readFilter, writeFilter } from "./filter";

const listed = Object.entries(phaseWords).filter(([phase]) => phase !== "removed");

export function ContainerList() {
  const [params, setParams] = useSearchParams();
  const filter = readFilter(params);
  const set = (change: Partial<Filter>) =>
    setParams(writeFilter({ ...filter, ...change }), { replace: true });
  const query = useInfiniteQuery(containersQuery(askedOf(filter)));
  const nothing = isSet(filter) ? (
    <NoMatch clear={() => setParams({}, { replace: true })} />
  ) : (
    <NoContainers />
  );
  const [report, setReport] = useState<Report | null>(null);
  return (
    <>
      {report && <BulkReport report={report} onClose={() => setReport(null)} />}
      <List query={query} empty={nothing} aside={<FilterBar filter={filter} set={set} />}>
        {(read, more) => {
          const shown = applyFilter(read, filter);
          return shown.length > 0 ? <Choosable shown={shown} more={more} onReport={setReport} /> : nothing;
        }}
      </List>
    </>
  );
}

/** Rows to choose from. What the filter hides is no more chosen: nothing happens to what one does not see. */
function Choosable({
  shown,
  more,
  onReport,
}: {
  shown: Container[];
  more: boolean;
  onReport: React.Dispatch<React.SetStateAction<Report | null>>;
}) {
  const may = useMay();
  const nodes = useNodeNames();
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const chosen = shown.filter(({ id }) => ids.has(id));
  const toggle = (some: string[], on: boolean) => {
    const next = new Set(chosen.map(({ id }) => id));
    for (const id of some) on ? next.add(id) : next.delete(id);
    setIds(next);
  };
  const choice: Choice = { has: (id) => ids.has(id), toggle };
  const mayAct = bulkVerbs.some((verb) => may(permissionFor(verb)));
  return (
    <>
      {chosen.length > 0 && (
        <BulkBar chosen={chosen} nodes={nodes} onNone={() => setIds(new Set())} onReport={onReport} />
      )}
      <ContainerTable containers={shown} more={more} choice={mayAct ? choice : undefined} />
    </>
  );
}

function FilterBar({ filter, set }: { filter: Filter; set: (change: Partial<Filter>) => void }) {
  return (
    <fieldset aria-label={words.filter} className={filterBarClass}>
      <input
        type="search"
        aria-label={words.search}
        placeholder={words.search}
        value={filter.q}
        onChange={(event) => set({ q: event.target.value })}
        className={`${filterBox} max-sm:col-span-2 sm:w-56`}
      />
      <select
        aria-label={words.phase}
        value={filter.phase}
        onChange={(event) => set({ phase: event.target.value as Filter["phase"] })}
        className={filterBox}
      >
        <option value="">{words.anyPhase}</option>
        {listed.map(([phase, word]) => (
          <option key={phase} value={phase}>
            {word}
          </option>
        ))}
      </select>
      <select
        aria-label={words.node}
        value={filter.node}
        onChange={(event) => set({ node: event.target.value })}
        className={filterBox}
      >
        <option value="">{words.anyNode}</option>
        <NodeOptions nodes={useNodeNames()} />
      </select>
      <select
        aria-label={words.sort}
        value={filter.sort}
        onChange={(event) => set({ sort: event.target.value as Filter["sort"] })}
        className={`${filterBox} max-sm:col-span-2`}
      >
        {Object.entries(words.sorts).map(([sort, word]) => (
          <option key={sort} value={sort}>
            {word}
          </option>
        ))}
      </select>
    </fieldset>
  );
}

/** Drawn anew when there are others: there may be a thousand. */
const NodeOptions = memo(function NodeOptions({ nodes }: { nodes: ReadonlyMap<string, NodeName> }) {
  return Array.from(nodes.values())
    .sort((a, b) => compareNames(a.name, b.name))
    .map(({ id, name }) => (
      <option key={id} value={id}>
        {name}
      </option>
    ));
});

/** Says what to do next: without a node, a container has nowhere to run. */
function NoContainers() {
  const { data, isSuccess } = useNodes();
  const may = useMay();
  const needsNode = isSuccess && itemsOf(data).length === 0;
  return (
    <Empty
      title={words.emptyTitle}
      action={
        needsNode && may("node.create") ? (
          <Link to="/nodes?add=1" className={buttonClass("primary")}>
            <Plus aria-hidden className="size-4" />
            {strings.nodes.add}
          </Link>
        ) : (
          may("container.create") && (
            <Link to="/containers/new" className={buttonClass("primary")}>
              <Plus aria-hidden className="size-4" />
              {words.create}
            </Link>
          )
        )
      }
    >
      {needsNode ? `${words.empty} ${words.emptyNeedsNode}` : words.empty}
    </Empty>
  );
}
