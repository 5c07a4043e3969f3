import { type ReactNode, useEffect, useRef } from "react";
import type { Page } from "@/api/types";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { Note } from "@/ui/note";
import { Loading, Panel } from "@/ui/panel";
import { Fault } from "./fault";

/** What a list needs of an infinite query. */
export interface ListQuery<T> {
  data: { pages: Page<T>[]; pageParams: unknown[] } | undefined;
  error: unknown;
  isPending: boolean;
  hasNextPage: boolean;
  isFetching: boolean;
  isFetchingNextPage: boolean;
  isFetchNextPageError: boolean;
  fetchNextPage: (options?: { cancelRefetch: boolean }) => unknown;
  refetch: () => unknown;
}

interface ListProps<T> {
  query: ListQuery<T>;
  empty: ReactNode;
  children: (items: T[], more: boolean) => ReactNode;
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
        {query.isPending ? <Loading /> : items.length === 0 ? empty : children(items, query.hasNextPage)}
        {query.hasNextPage && <More query={query} />}
      </Panel>
    </>
  );
}

/** How near its end has to come for the next page to be read by itself. */
const near = "1500px";

/** Reads on when one comes near the end; the button is for where that failed. */
function More<T>({ query }: { query: ListQuery<T> }) {
  const end = useRef<HTMLDivElement>(null);
  const { isFetching: busy, isFetchNextPageError: failed, fetchNextPage } = query; // while all is read again nothing can be read on
  useEffect(() => {
    if (busy || failed || !end.current) return;
    const watch = new IntersectionObserver(
      ([entry]) => entry?.isIntersecting && fetchNextPage({ cancelRefetch: false }),
      { rootMargin: near },
    );
    watch.observe(end.current);
    return () => watch.disconnect();
  }, [busy, failed, fetchNextPage]);
  return (
    <div ref={end} className="border-t border-line p-2 text-center">
      <Button look="quiet" busy={query.isFetchingNextPage} onClick={() => fetchNextPage()}>
        {strings.more}
      </Button>
    </div>
  );
}
