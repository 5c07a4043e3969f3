import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/endpoints";
import { keys, nodeQuery } from "@/api/queries";
import type { Cluster } from "@/api/types";
import { Fault } from "@/components/fault";
import { PlaceField } from "@/components/place-field";
import { strings } from "@/strings";
import { clusters as words } from "@/strings/clusters";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";

/** Moves a node, as it is by now, into a cluster, or, with "", out of the one that it is in. */
export function useMove(into: string, onSuccess?: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (id: string) =>
      api.nodes.moveTo(await client.fetchQuery({ ...nodeQuery(id), staleTime: 0 }), into),
    ...(onSuccess && { onSuccess }),
    onSettled: () => {
      for (const queryKey of [keys.clusters, keys.nodes]) void client.invalidateQueries({ queryKey });
    },
  });
}

/** Takes a node, from whichever cluster it is in, into this one. */
export function PutNode({ cluster }: { cluster: Cluster }) {
  const [open, setOpen] = useState(false);
  const title = words.putNode(cluster.name);
  return (
    <>
      <Button look="quiet" onClick={() => setOpen(true)}>
        {title}
      </Button>
      <Dialog open={open} onOpenChange={setOpen} title={title} description={words.putText}>
        <Form cluster={cluster} onDone={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function Form({ cluster, onDone }: { cluster: Cluster; onDone: () => void }) {
  const [nodeId, setNodeId] = useState("");
  const put = useMove(cluster.id, onDone);
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        put.mutate(nodeId);
      }}
    >
      {put.error && <Fault error={put.error} />}
      <PlaceField label={words.node} kind="node" onChoose={setNodeId} />
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>{strings.cancel}</Button>
        <Button type="submit" look="primary" disabled={nodeId === ""} busy={put.isPending}>
          {words.put}
        </Button>
      </div>
    </form>
  );
}
