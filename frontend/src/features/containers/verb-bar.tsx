import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type LucideIcon, Play, RotateCw, Skull, Square, Trash2 } from "lucide-react";
import { useState } from "react";
import { api, type ContainerVerb } from "@/api/endpoints";
import { keys } from "@/api/queries";
import type { Container } from "@/api/types";
import { Fault } from "@/components/fault";
import { targetOf, useMay } from "@/components/may";
import { containers as words } from "@/strings/containers";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { verbsFor } from "./verbs";
import { unwish, wish } from "./wishes";

export const looks: Record<ContainerVerb, { icon: LucideIcon; look: "plain" | "danger" }> = {
  start: { icon: Play, look: "plain" },
  stop: { icon: Square, look: "plain" },
  restart: { icon: RotateCw, look: "plain" },
  kill: { icon: Skull, look: "danger" },
  delete: { icon: Trash2, look: "danger" },
};

interface BarProps {
  container: Container;
  clusterId: string | undefined; // of its node
  onError: (error: unknown) => void;
}

/** The verbs that make sense now; those that cannot be taken back ask first. */
export function VerbBar({ container, clusterId, onError }: BarProps) {
  const client = useQueryClient();
  const may = useMay();
  const [asking, setAsking] = useState<"kill" | "delete" | null>(null);
  const act = useMutation({
    mutationFn: (verb: ContainerVerb) => api.containers.act(container.id, verb),
    onMutate: (verb) => {
      onError(null);
      wish([container.id], verb);
    },
    onError,
    // The wish is shown until what the controller recorded is read again.
    onSettled: async () => {
      await Promise.all([
        client.invalidateQueries({ queryKey: keys.container(container.id) }),
        client.invalidateQueries({ queryKey: keys.containerLists }),
        client.invalidateQueries({ queryKey: keys.jobs }),
      ]);
      unwish([container.id]);
    },
  });
  const ask = (verb: ContainerVerb) =>
    verb === "kill" || verb === "delete" ? setAsking(verb) : act.mutate(verb);
  const verbs = verbsFor(container).filter((verb) =>
    may(`container.${verb}`, targetOf(container, clusterId)),
  );
  return (
    <>
      {verbs.map((verb) => (
        <Button
          key={verb}
          {...looks[verb]}
          busy={act.isPending && act.variables === verb}
          disabled={act.isPending}
          onClick={() => ask(verb)}
        >
          {words.verbs[verb]}
        </Button>
      ))}
      {asking && (
        <Confirm
          open
          onClose={() => setAsking(null)}
          onConfirm={() => act.mutate(asking)}
          title={words.confirm[asking].title(container.name)}
          description={words.confirm[asking].text}
          action={words.verbs[asking]}
        />
      )}
    </>
  );
}

export function VerbFault({ error }: { error: unknown }) {
  return error ? <Fault error={error} /> : null;
}
