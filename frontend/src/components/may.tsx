import { useQuery } from "@tanstack/react-query";
import { allows, type Target } from "@/api/grants";
import { meQuery } from "@/api/queries";
import type { Container } from "@/api/types";

/** Asks what one may do; until that is known, nothing. */
export function useMay(): (permission: string, target?: Target) => boolean {
  const { data: me } = useQuery(meQuery());
  return (permission, target) => me !== undefined && allows(me, permission, target);
}

export const targetOf = (container: Container, cluster?: string): Target => ({
  container: container.id,
  node: container.nodeId,
  cluster,
  owner: container.ownerId,
});
