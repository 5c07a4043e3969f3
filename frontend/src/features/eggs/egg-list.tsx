import { useInfiniteQuery } from "@tanstack/react-query";
import { Download, Plus } from "lucide-react";
import { Link, useSearchParams } from "react-router";
import type { EggFilter } from "@/api/endpoints";
import { eggsQuery } from "@/api/queries";
import type { Egg } from "@/api/types";
import { Age } from "@/components/age";
import { List } from "@/components/list";
import { useMay } from "@/components/may";
import { NoMatch } from "@/components/no-match";
import { categories } from "@/strings/categories";
import { eggs as words } from "@/strings/eggs";
import { buttonClass } from "@/ui/button";
import { Empty } from "@/ui/panel";
import { Table, Td, Th, Tr } from "@/ui/table";
import { FilterBar } from "./filter-bar";
import { useCategories } from "./use-categories";

/** Its filter stands in the URL. */
export function EggList() {
  const [params, setParams] = useSearchParams();
  const [q, categoryId] = [params.get("q") ?? "", params.get("category") ?? ""];
  const filter: EggFilter = { ...(q && { q }), ...(categoryId && { categoryId }) };
  const clear = () => setParams({}, { replace: true });
  const set = (change: EggFilter) => {
    const next = { ...filter, ...change };
    const kept = { ...(next.q && { q: next.q }), ...(next.categoryId && { category: next.categoryId }) };
    setParams(kept, { replace: true });
  };
  const names = new Map(useCategories().map(({ id, name }) => [id, name]));
  return (
    <List
      query={useInfiniteQuery(eggsQuery(filter))}
      aside={<FilterBar filter={filter} set={set} />}
      empty={q || categoryId ? <NoMatch clear={clear} /> : <NoEggs />}
    >
      {(eggs) => (
        <Table
          label={words.title}
          head={
            <>
              <Th>{words.name}</Th>
              <Th wide>{words.images}</Th>
              {names.size > 0 && <Th wide>{categories.category}</Th>}
              <Th wide className="text-right">
                {words.variables}
              </Th>
              <Th wide>{words.changed}</Th>
            </>
          }
        >
          {eggs.map((egg) => (
            <Row key={egg.id} egg={egg} names={names} />
          ))}
        </Table>
      )}
    </List>
  );
}

function NoEggs() {
  return (
    <Empty
      title={words.emptyTitle}
      action={
        <span className="flex gap-2">
          <NewEgg importing />
        </span>
      }
    >
      {words.empty}
    </Empty>
  );
}

/** The ways to an egg, for who may make one. */
export function NewEgg({ importing }: { importing?: boolean }) {
  const may = useMay();
  if (!may("egg.create")) return null;
  return (
    <>
      {importing && (
        <Link to="/eggs/import" className={buttonClass()}>
          <Download aria-hidden className="size-4" />
          {words.import.action}
        </Link>
      )}
      <Link to="/eggs/new" className={buttonClass("primary")}>
        <Plus aria-hidden className="size-4" />
        {words.add}
      </Link>
    </>
  );
}

function Row({ egg, names }: { egg: Egg; names: ReadonlyMap<string, string> }) {
  return (
    <Tr>
      <Td className="max-md:py-2.5">
        <Link to={`/eggs/${egg.id}`} className="font-medium break-words hover:underline max-md:wrap-anywhere">
          <bdi>{egg.name}</bdi>
        </Link>
        {egg.description && <p className="line-clamp-1 max-w-md text-xs text-muted">{egg.description}</p>}
      </Td>
      <Td wide>
        <code className="text-sm break-all">{egg.images[0]?.image}</code>
      </Td>
      {names.size > 0 && (
        <Td wide>
          <bdi className="break-words">{names.get(egg.categoryId ?? "")}</bdi>
        </Td>
      )}
      <Td wide className="text-right tabular-nums">
        {egg.variables?.length ?? 0}
      </Td>
      <Td wide className="text-muted">
        <Age at={egg.updatedAt} />
      </Td>
    </Tr>
  );
}
