/** What is read from the controller, under which key it is kept. */
import {
  type InfiniteData,
  infiniteQueryOptions,
  keepPreviousData,
  QueryClient,
  type QueryKey,
  queryOptions,
} from "@tanstack/react-query";
import { Beats } from "@/live/beats";
import { Recent } from "@/live/recent";
import type { ContainerNews, Health } from "@/live/wire";
import { type AuditFilter, api, type ContainerFilter, type EggFilter } from "./endpoints";
import { mergeContainer, mergeHealth, type SeenPhase } from "./merge";
import { ApiError } from "./problem";
import type { Container, Node, Page } from "./types";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (failures, error) => failures < 2 && (!(error instanceof ApiError) || error.status >= 500),
      refetchOnWindowFocus: true,
      throwOnError: false,
    },
  },
});

/** News that came while a snapshot was on its way; see Recent. */
export const recentContainers = new Recent<ContainerNews>();
export const recentHealth = new Recent<Health>();
export const recentBeats = new Beats();

function freshContainer(start: number): (c: Container) => Container {
  return (c) => {
    const news = recentContainers.since(c.id, start);
    return news ? mergeContainer(c, news) : c;
  };
}

function freshNode(start: number): (n: Node) => Node {
  return (n) => {
    const health = recentHealth.since(n.id, start);
    return health ? mergeHealth(n, health) : n;
  };
}

/** Fetches and lays over it what came in the meantime. */
async function overlaid<T>(
  fetch: Promise<Page<T>>,
  fresh: (start: number) => (item: T) => T,
): Promise<Page<T>> {
  const start = Date.now();
  const page = await fetch;
  return { ...page, items: page.items.map(fresh(start)) };
}

const paging = {
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (last: Page<unknown>) => last.next_cursor || undefined,
  placeholderData: keepPreviousData,
};

/** All items of the pages that were read. */
export function itemsOf<T>(data: InfiniteData<Page<T>> | undefined): T[] {
  return data?.pages.flatMap((page) => page.items) ?? [];
}

export const keys = {
  users: ["users"] as const,
  roles: ["roles"] as const,
  bindings: ["bindings"] as const,
  nodes: ["nodes"] as const,
  nodeLists: ["nodes", "list"] as const,
  fleet: ["fleet"] as const,
  node: (id: string) => ["nodes", "one", id] as const,
  containers: ["containers"] as const,
  containerLists: ["containers", "list"] as const,
  container: (id: string) => ["containers", "one", id] as const,
  migrations: ["migrations"] as const,
  clusters: ["clusters"] as const,
  eggs: ["eggs"] as const,
  categories: ["egg-categories"] as const,
  jobs: ["jobs"] as const,
  audit: ["audit"] as const,
  auditOf: (target: string) => ["audit-of", target] as const,
  seen: (id: string) => ["seen", id] as const,
  me: ["me"] as const,
  sessions: ["sessions"] as const,
  tokens: ["tokens"] as const,
};

export const nodesQuery = () =>
  infiniteQueryOptions({
    ...paging,
    queryKey: keys.nodeLists,
    queryFn: ({ pageParam, signal }) => overlaid(api.nodes.list({ cursor: pageParam, signal }), freshNode),
  });

export const nodeQuery = (id: string) =>
  queryOptions({
    queryKey: keys.node(id),
    queryFn: async ({ signal }) => {
      const start = Date.now();
      return freshNode(start)(await api.nodes.get(id, signal));
    },
  });

/** What led to the present state of a node; read again with every change of it. */
export const nodeHealthQuery = ({ id, since }: Node) =>
  queryOptions({
    queryKey: ["node-health", id, since],
    queryFn: ({ signal }) => api.nodes.health(id, signal),
    placeholderData: keepPreviousData,
  });

export const fleetQuery = () =>
  queryOptions({ queryKey: keys.fleet, queryFn: ({ signal }) => api.fleet.get(signal) });

/** One job that is watched until it is over. Its key is not that of the lists. */
export const jobQuery = (id: string) =>
  queryOptions({
    queryKey: ["job", id],
    queryFn: ({ signal }) => api.jobs.get(id, signal),
    refetchInterval: ({ state }) => (state.data?.finishedAt ? false : 3000),
  });

export const containersQuery = (filter: ContainerFilter = {}) =>
  infiniteQueryOptions({
    ...paging,
    queryKey: [...keys.containerLists, filter],
    gcTime: 60_000, // a long list is kept up to date for as long as it is kept
    queryFn: ({ pageParam, signal }) =>
      overlaid(api.containers.list({ ...filter, cursor: pageParam, signal }), freshContainer),
  });

/** The filter of a list of containers, by its key. */
export const filterIn = (key: QueryKey): ContainerFilter => (key.at(-1) as ContainerFilter | undefined) ?? {};

export const containerQuery = (id: string) =>
  queryOptions({
    queryKey: keys.container(id),
    queryFn: async ({ signal }) => {
      const start = Date.now();
      return freshContainer(start)(await api.containers.get(id, signal));
    },
  });

export const migrationsQuery = (filter: { containerId?: string } = {}, limit = 20) =>
  infiniteQueryOptions({
    ...paging,
    queryKey: [...keys.migrations, "list", filter, limit],
    queryFn: ({ pageParam, signal }) => api.migrations.list({ ...filter, limit, cursor: pageParam, signal }),
  });

export const migrationQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.migrations, "one", id],
    queryFn: ({ signal }) => api.migrations.get(id, signal),
  });

export type PlaceKind = "cluster" | "node" | "container";
export type FoundKind = PlaceKind | "user";

/** The first few things of a kind that are called so, for a field that finds them by name. */
export const placesQuery = (kind: FoundKind, q: string) =>
  queryOptions({
    queryKey: ["places", kind, q],
    queryFn: async ({ signal }) => {
      const list = {
        cluster: api.clusters.list,
        node: api.nodes.list,
        container: api.containers.list,
        user: api.users.list,
      }[kind];
      const found: Page<{ id: string; name: string; email?: string }> = await list({
        limit: 8,
        sort: "name",
        signal,
        ...(q && { q }),
      });
      return found.items.map(({ id, name, email }) => ({ key: id, label: email ?? name }));
    },
    placeholderData: keepPreviousData,
  });

export const clustersQuery = () =>
  infiniteQueryOptions({
    ...paging,
    queryKey: [...keys.clusters, "list"],
    queryFn: ({ pageParam, signal }) => api.clusters.list({ cursor: pageParam, signal }),
  });

export const eggsQuery = (filter: EggFilter = {}) =>
  infiniteQueryOptions({
    ...paging,
    queryKey: [...keys.eggs, "list", filter],
    queryFn: ({ pageParam, signal }) => api.eggs.list({ ...filter, cursor: pageParam, signal }),
  });

export const categoriesQuery = () =>
  infiniteQueryOptions({
    ...paging,
    queryKey: keys.categories,
    queryFn: ({ pageParam, signal }) => api.categories.list({ cursor: pageParam, signal }),
  });

export const eggQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.eggs, "one", id],
    queryFn: ({ signal }) => api.eggs.get(id, signal),
  });

export const jobsQuery = (filter: { containerId?: string; nodeId?: string } = {}, limit = 50) =>
  infiniteQueryOptions({
    ...paging,
    queryKey: [...keys.jobs, "list", filter, limit],
    queryFn: ({ pageParam, signal }) => api.jobs.list({ ...filter, limit, cursor: pageParam, signal }),
  });

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    ...paging,
    queryKey: [...keys.audit, "list", filter],
    queryFn: ({ pageParam, signal }) => api.audit.list({ ...filter, cursor: pageParam, signal }),
  });

/** What was done to one thing. */
export const auditOfQuery = (target: string) =>
  infiniteQueryOptions({
    ...paging,
    queryKey: keys.auditOf(target),
    queryFn: ({ pageParam, signal }) => api.audit.list({ target, limit: 50, cursor: pageParam, signal }),
  });

/** The phases that a container was seen to go through; the feed adds to them. */
export const seenQuery = (id: string) =>
  queryOptions({
    queryKey: keys.seen(id),
    queryFn: ({ client, queryKey }) => client.getQueryData<SeenPhase[]>(queryKey) ?? [],
  });

export const meQuery = () =>
  queryOptions({ queryKey: keys.me, queryFn: ({ signal }) => api.auth.me(signal) });

export const sessionsQuery = () =>
  infiniteQueryOptions({
    ...paging,
    queryKey: keys.sessions,
    queryFn: ({ pageParam, signal }) => api.sessions.list({ cursor: pageParam, signal }),
  });

export const tokensQuery = () =>
  infiniteQueryOptions({
    ...paging,
    queryKey: keys.tokens,
    queryFn: ({ pageParam, signal }) => api.tokens.list({ cursor: pageParam, signal }),
  });

export const usersQuery = (q = "") =>
  infiniteQueryOptions({
    ...paging,
    queryKey: [...keys.users, "list", q],
    queryFn: ({ pageParam, signal }) => api.users.list({ ...(q && { q }), cursor: pageParam, signal }),
  });

export const userQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.users, "one", id],
    queryFn: ({ signal }) => api.users.get(id, signal),
  });

export const userSessionsQuery = (id: string) =>
  infiniteQueryOptions({
    ...paging,
    queryKey: [...keys.users, "sessions", id],
    queryFn: ({ pageParam, signal }) => api.users.sessions(id, { cursor: pageParam, signal }),
  });

export const userTokensQuery = (id: string) =>
  infiniteQueryOptions({
    ...paging,
    queryKey: [...keys.users, "tokens", id],
    queryFn: ({ pageParam, signal }) => api.users.tokens(id, { cursor: pageParam, signal }),
  });

export const rolesQuery = () =>
  infiniteQueryOptions({
    ...paging,
    queryKey: [...keys.roles, "list"],
    queryFn: ({ pageParam, signal }) => api.roles.list({ cursor: pageParam, signal }),
  });

export const roleQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.roles, "one", id],
    queryFn: ({ signal }) => api.roles.get(id, signal),
  });

export const bindingsQuery = (filter: { userId?: string; roleId?: string }) =>
  infiniteQueryOptions({
    ...paging,
    queryKey: [...keys.bindings, filter],
    queryFn: ({ pageParam, signal }) => api.bindings.list({ ...filter, cursor: pageParam, signal }),
  });

/** All permissions there are; they come on one page. */
export const permissionsQuery = () =>
  queryOptions({
    queryKey: ["permissions"],
    queryFn: ({ signal }) => api.permissions.list(signal),
    staleTime: Number.POSITIVE_INFINITY, // they come with the controller's version
  });
