/**
 * The nodes are read whole, page by page: the name of one stands beside
 * everything that runs on it, and what is said of all has to be true of all.
 */
import { type UseInfiniteQueryResult, useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { itemsOf, nodesQuery } from "./queries";
import type { Node } from "./types";

/** What is said of a node elsewhere than on its own page. */
export type NodeName = Pick<Node, "id" | "name" | "state" | "cluster_id">;

export function useNodes(options: { enabled?: boolean; refetchOnMount?: "always" } = {}) {
  const query = useInfiniteQuery({ ...nodesQuery(), ...options });
  useWhole(query);
  return query;
}

/** The same object until a name or a state changes: heartbeats draw nothing that shows only these. */
export function useNodeNames(): ReadonlyMap<string, NodeName> {
  const query = useInfiniteQuery({ ...nodesQuery(), select: (data) => itemsOf(data).map(nameOf) });
  useWhole(query);
  const { data } = query;
  return useMemo(() => new Map(data?.map((node) => [node.id, node])), [data]);
}

const nameOf = ({ id, name, state, cluster_id }: Node): NodeName => ({
  id,
  name,
  state,
  ...(cluster_id && { cluster_id }),
});

/** Reads on until all is there; a page that fails is tried again with the whole. */
function useWhole(query: UseInfiniteQueryResult<unknown>) {
  const { hasNextPage, isFetching, isFetchNextPageError: failed, fetchNextPage } = query;
  useEffect(() => {
    if (hasNextPage && !isFetching && !failed) void fetchNextPage({ cancelRefetch: false });
  }, [hasNextPage, isFetching, failed, fetchNextPage]);
}
