/** The filter of the container list. Its place is the URL. */
import type { ContainerFilter, ListedPhase } from "@/api/endpoints";
import type { Container } from "@/api/types";
import { phaseWords } from "@/strings";
import { containers as containersWords } from "@/strings/containers";

export interface Filter {
  q: string;
  phase: ListedPhase | "";
  node: string;
  sort: Sort;
}

export type Sort = keyof typeof containersWords.sorts;

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

/** What the controller looks for, in all that there are. */
export function askedOf({ q, phase, node, sort }: Filter): ContainerFilter {
  const text = q.trim();
  return {
    ...(text && { q: text }),
    ...(phase && { phase }),
    ...(node && { nodeId: node }),
    ...(sort && { sort }),
  };
}

/** What has left the phase since it was read is not shown any more. */
export function applyFilter(containers: Container[], { phase }: Pick<Filter, "phase">): Container[] {
  return phase ? containers.filter((c) => c.phase === phase) : containers;
}

export const isSet = ({ q, phase, node }: Filter): boolean => Boolean(q.trim() || phase || node);

function isPhase(text: string): text is ListedPhase {
  return text !== "removed" && Object.hasOwn(phaseWords, text);
}

function isSort(text: string): text is Sort {
  return Object.hasOwn(containersWords.sorts, text);
}
