/**
 * Whether a list has to be read again because of news about what it does not
 * show. Pure. Where only the beginning of a list was read, what it does not
 * show is mostly further down: only what is new counts there.
 */
import type { ContainerNews, Phase } from "@/live/wire";
import type { ContainerFilter } from "./endpoints";
import type { Pages } from "./merge";

/** Before it first runs, where it was first placed. */
const newborn: ReadonlySet<Phase> = new Set(["pending", "pulling", "installing", "creating"]);

export function lacksContainer(
  list: Pages<{ id: string }>,
  filter: ContainerFilter,
  news: readonly ContainerNews[],
): boolean {
  const some = news
    .filter((n) => (isWhole(list) && !filter.eggId) || isNew(n))
    .filter((n) => fits(n, filter));
  return lacks(
    list,
    some.map((n) => n.containerId),
  );
}

/** Whether none of the pages shows one of these. */
export function lacks(list: Pages<{ id: string }>, ids: readonly string[]): boolean {
  if (ids.length === 0) return false;
  const shown = new Set(list.pages.flatMap((page) => page.items.map((item) => item.id)));
  return ids.some((id) => !shown.has(id));
}

const isWhole = ({ pages }: Pages<unknown>): boolean => !pages.at(-1)?.next_cursor;

const isNew = (n: ContainerNews): boolean => n.epoch === 1 && n.generation === 1 && newborn.has(n.phase);

/** Of which egg it is, news do not say. */
function fits(n: ContainerNews, { q, phase, nodeId }: ContainerFilter): boolean {
  if (phase && phase !== n.phase) return false;
  if (nodeId && nodeId !== n.nodeId) return false;
  return !q || n.name.toLowerCase().includes(q.toLowerCase());
}
