import { useInfiniteQuery } from "@tanstack/react-query";
import { Download, Plus } from "lucide-react";
import { Link } from "react-router";
import { eggsQuery } from "@/api/queries";
import type { Egg } from "@/api/types";
import { Age } from "@/components/age";
import { List } from "@/components/list";
import { useMay } from "@/components/may";
import { strings } from "@/strings";
import { buttonClass } from "@/ui/button";
import { Empty } from "@/ui/panel";
import { Table, Td, Th, Tr } from "@/ui/table";

const words = strings.eggs;

export function EggList() {
  return (
    <List
      query={useInfiniteQuery(eggsQuery())}
      empty={
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
      }
    >
      {(eggs) => (
        <Table
          label={words.title}
          head={
            <>
              <Th>{words.name}</Th>
              <Th wide>{words.images}</Th>
              <Th wide className="text-right">
                {words.variables}
              </Th>
              <Th wide>{words.changed}</Th>
            </>
          }
        >
          {eggs.map((egg) => (
            <Row key={egg.id} egg={egg} />
          ))}
        </Table>
      )}
    </List>
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

function Row({ egg }: { egg: Egg }) {
  return (
    <Tr>
      <Td className="max-md:py-2.5">
        <Link to={`/eggs/${egg.id}`} className="font-medium break-words hover:underline">
          {egg.name}
        </Link>
        {egg.description && <p className="line-clamp-1 max-w-md text-xs text-muted">{egg.description}</p>}
      </Td>
      <Td wide>
        <code className="text-sm break-all">{egg.images[0]?.image}</code>
      </Td>
      <Td wide className="text-right tabular-nums">
        {egg.variables?.length ?? 0}
      </Td>
      <Td wide className="text-muted">
        <Age at={egg.updatedAt} />
      </Td>
    </Tr>
  );
}
