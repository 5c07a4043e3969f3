import { useInfiniteQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { Link, useSearchParams } from "react-router";
import { containersQuery, itemsOf, nodesQuery } from "@/api/queries";
import { List } from "@/components/list";
import { useMay } from "@/components/may";
import { phaseWords, strings } from "@/strings";
import { Button, buttonClass } from "@/ui/button";
import { Empty } from "@/ui/panel";
import { ContainerTable } from "./container-table";
import { applyFilter, type Filter, readFilter, writeFilter } from "./filter";

const words = strings.containers;

export function ContainerList() {
  const [params, setParams] = useSearchParams();
  const filter = readFilter(params);
  const set = (change: Partial<Filter>) =>
    setParams(writeFilter({ ...filter, ...change }), { replace: true });
  const query = useInfiniteQuery(containersQuery());
  return (
    <List query={query} empty={<NoContainers />} aside={<FilterBar filter={filter} set={set} />}>
      {(all) => {
        const shown = applyFilter(all, filter);
        if (shown.length > 0) return <ContainerTable containers={shown} />;
        return (
          <Empty
            title={words.noMatchTitle}
            action={<Button onClick={() => setParams({}, { replace: true })}>{words.clear}</Button>}
          />
        );
      }}
    </List>
  );
}

function FilterBar({ filter, set }: { filter: Filter; set: (change: Partial<Filter>) => void }) {
  const nodes = itemsOf(useInfiniteQuery(nodesQuery()).data);
  const box =
    "h-8 min-w-0 rounded-md border border-line-strong bg-surface px-2 text-sm hover:border-muted max-sm:h-10 max-sm:text-[16px]";
  return (
    <fieldset aria-label={words.filter} className="grid min-w-0 w-full grid-cols-2 gap-2 py-1 sm:flex">
      <input
        type="search"
        aria-label={words.search}
        placeholder={words.search}
        value={filter.q}
        onChange={(event) => set({ q: event.target.value })}
        className={`${box} max-sm:col-span-2 sm:w-56`}
      />
      <select
        aria-label={words.phase}
        value={filter.phase}
        onChange={(event) => set({ phase: event.target.value as Filter["phase"] })}
        className={box}
      >
        <option value="">{words.anyPhase}</option>
        {Object.entries(phaseWords).map(([phase, word]) => (
          <option key={phase} value={phase}>
            {word}
          </option>
        ))}
      </select>
      <select
        aria-label={words.node}
        value={filter.node}
        onChange={(event) => set({ node: event.target.value })}
        className={box}
      >
        <option value="">{words.anyNode}</option>
        {nodes.map((node) => (
          <option key={node.id} value={node.id}>
            {node.name}
          </option>
        ))}
      </select>
    </fieldset>
  );
}

/** Says what to do next: without a node, a container has nowhere to run. */
function NoContainers() {
  const { data, isSuccess } = useInfiniteQuery(nodesQuery());
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
