/** The filter of the container list. Its place is the URL. */
import type { ContainerFilter } from "@/api/endpoints";
import type { Container } from "@/api/types";
import type { Phase } from "@/live/wire";
import { phaseWords, strings } from "@/strings";

export interface Filter {
  q: string;
  phase: Phase | "";
  node: string;
  sort: Sort;
}

export type Sort = keyof typeof strings.containers.sorts;

export function readFilter(params: URLSearchParams): Filter {
  const phase = params.get("phase") ?? "";
  const sort = params.get("sort") ?? "";
  return {
    q: params.get("q") ?? "",
    phase: isPhase(phase) ? phase : "",
    node: params.get("node") ?? "",
    sort: isSort(sort) ? sort : "",
  };
}

/** The parameters for a filter; what is not set is not in the URL. */
export function writeFilter(filter: Filter): URLSearchParams {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(filter)) if (value) params.set(key, value);
  return params;
}

/** What the controller can look for itself, in all that there are. */
export function askedOf({ q, node, sort }: Filter): ContainerFilter {
  const text = q.trim();
  return { ...(text && { q: text }), ...(node && { nodeId: node }), ...(sort && { sort }) };
}

/** The rest: the controller does not look for phases, so that only what was read is looked through. */
export function applyFilter(containers: Container[], { phase }: Pick<Filter, "phase">): Container[] {
  return phase ? containers.filter((c) => c.phase === phase) : containers;
}

export const isSet = ({ q, phase, node }: Filter): boolean => Boolean(q.trim() || phase || node);

function isPhase(text: string): text is Phase {
  return Object.hasOwn(phaseWords, text);
}

function isSort(text: string): text is Sort {
  return Object.hasOwn(strings.containers.sorts, text);
}
