import { useQueryClient } from "@tanstack/react-query";
import { keys } from "@/api/queries";

/** What a verb on a node touched is read again: nothing is assumed of what the controller did. */
export function useRereadNode(id: string): () => Promise<unknown> {
  const client = useQueryClient();
  return () =>
    Promise.all(
      [keys.node(id), keys.nodeLists, keys.jobs].map((queryKey) => client.invalidateQueries({ queryKey })),
    );
}
