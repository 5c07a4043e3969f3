/** One verb on many containers. Pure, but for what it is given to call. */
import type { Container } from "@/api/types";
import { verbsFor } from "./verbs";

export const bulkVerbs = ["start", "stop", "restart", "migrate", "delete"] as const;
export type BulkVerb = (typeof bulkVerbs)[number];

/** Those of the chosen that a verb makes sense for. */
export function fitFor(verb: BulkVerb, containers: Container[]): Container[] {
  return containers.filter((c) =>
    verb === "migrate"
      ? c.power !== "absent" && c.migration_status !== "migrating"
      : verbsFor(c).includes(verb),
  );
}

export const permissionFor = (verb: BulkVerb): string =>
  verb === "migrate" ? "migration.manage" : `container.${verb}`;

/** How many are asked for at once: a controller has others to answer, too. */
const atOnce = 4;

/** Calls `act` for each, a few at a time, and goes on when one fails; `tell` hears how each ended. */
export async function forEach<T>(
  items: readonly T[],
  act: (item: T) => Promise<unknown>,
  tell: (item: T, error: unknown) => void,
): Promise<void> {
  const left = items.values();
  const work = async () => {
    for (const item of left) {
      const error = await act(item).then(
        () => null,
        (reason: unknown) => reason,
      );
      tell(item, error);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
