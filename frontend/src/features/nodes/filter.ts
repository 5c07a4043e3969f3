/** The filter of the node list, which has all nodes at hand. Its place is the URL. */
import type { Node } from "@/api/types";
import { compareNames } from "@/lib/names";
import type { NodeState } from "@/live/wire";
import { nodeStateWords, strings } from "@/strings";

export interface Filter {
  q: string;
  state: NodeState | "";
  sort: Sort;
}

export type Sort = keyof typeof strings.nodes.sorts;

export function readFilter(params: URLSearchParams): Filter {
  const state = params.get("state") ?? "";
  const sort = params.get("sort") ?? "";
  return {
    q: params.get("q") ?? "",
    state: Object.hasOwn(nodeStateWords, state) ? (state as NodeState) : "",
    sort: Object.hasOwn(strings.nodes.sorts, sort) ? (sort as Sort) : "",
  };
}

export function writeFilter(filter: Filter): URLSearchParams {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(filter)) if (value) params.set(key, value);
  return params;
}

export const isSet = ({ q, state }: Filter): boolean => Boolean(q.trim() || state);

const byName = (a: Node, b: Node) => compareNames(a.name, b.name);

const orders: Record<Sort, (a: Node, b: Node) => number> = {
  "": byName,
  "-name": (a, b) => byName(b, a),
  trouble: (a, b) => worth(b) - worth(a) || byName(a, b),
  "-containers": (a, b) => (b.live?.containers ?? 0) - (a.live?.containers ?? 0) || byName(a, b),
};

/** What one should look at first. */
function worth({ state }: Node): number {
  return ["healthy", "joining", "returning", "suspect", "unhealthy"].indexOf(state);
}

export function applyFilter(nodes: readonly Node[], { q, state, sort }: Filter): Node[] {
  const text = q.trim().toLowerCase();
  return nodes
    .filter((n) => !state || n.state === state)
    .filter((n) => [n.name, n.hostname, n.description].some((s) => s?.toLowerCase().includes(text)))
    .sort(orders[sort]);
}
