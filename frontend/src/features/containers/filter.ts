/** The filter of the container list. Its place is the URL. */
import type { Container } from "@/api/types";
import type { Phase } from "@/live/wire";
import { phaseWords } from "@/strings";

export interface Filter {
  q: string;
  phase: Phase | "";
  node: string;
}

export function readFilter(params: URLSearchParams): Filter {
  const phase = params.get("phase") ?? "";
  return {
    q: params.get("q") ?? "",
    phase: isPhase(phase) ? phase : "",
    node: params.get("node") ?? "",
  };
}

/** The parameters for a filter; what is not set is not in the URL. */
export function writeFilter(filter: Filter): URLSearchParams {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(filter)) if (value) params.set(key, value);
  return params;
}

export function applyFilter(containers: Container[], { q, phase, node }: Filter): Container[] {
  const text = q.trim().toLowerCase();
  return containers.filter(
    (c) =>
      (!text || c.name.toLowerCase().includes(text)) &&
      (!phase || c.phase === phase) &&
      (!node || c.nodeId === node),
  );
}

function isPhase(text: string): text is Phase {
  return Object.hasOwn(phaseWords, text);
}
