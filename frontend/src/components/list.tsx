import type { ReactNode } from "react";
import type { Page } from "@/api/types";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { Note } from "@/ui/note";
import { Loading, Panel } from "@/ui/panel";
import { Fault } from "./fault";

/** What a list needs of an infinite query. */
interface ListQuery<T> {
  data: { pages: Page<T>[]; pageParams: unknown[] } | undefined;
  error: unknown;
  isPending: boolean;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
  refetch: () => unknown;
}

interface ListProps<T> {
  query: ListQuery<T>;
  empty: ReactNode;
  children: (items: T[]) => ReactNode;
  title?: string;
  aside?: ReactNode;
}

/** A list with its four faces: on its way, failed, empty, and there. */
export function List<T>({ query, empty, children, title, aside }: ListProps<T>) {
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  if (query.error && !query.data) return <Fault error={query.error} onRetry={() => query.refetch()} />;
  return (
    <>
      {Boolean(query.error) && <Note look="warn">{strings.errors.stale}</Note>}
      <Panel {...(title && { title })} aside={aside}>
        {query.isPending ? <Loading /> : items.length === 0 ? empty : children(items)}
        {query.hasNextPage && (
          <div className="border-t border-line p-2 text-center">
            <Button look="quiet" busy={query.isFetchingNextPage} onClick={() => query.fetchNextPage()}>
              {strings.more}
            </Button>
          </div>
        )}
      </Panel>
    </>
  );
}
