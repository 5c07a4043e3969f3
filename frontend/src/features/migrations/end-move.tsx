import { useMutation, useQueryClient } from "@tanstack/react-query";
import { RotateCcw, X } from "lucide-react";
import { api } from "@/api/endpoints";
import { keys } from "@/api/queries";
import type { Migration } from "@/api/types";
import { Fault } from "@/components/fault";
import { moves as words } from "@/strings/moves";
import { AskButton } from "@/ui/confirm";

/** What a move touched is read again: nothing is assumed of what the controller did. */
export function useReread(containerId: string): () => Promise<unknown> {
  const client = useQueryClient();
  return () =>
    Promise.all(
      [keys.migrations, keys.container(containerId), keys.containerLists, keys.jobs].map((queryKey) =>
        client.invalidateQueries({ queryKey }),
      ),
    );
}

interface EndProps {
  move: Migration;
  how: "cancel" | "rollBack";
  text: string;
}

const faces = {
  cancel: { icon: X, action: words.cancel, title: words.cancelTitle },
  rollBack: { icon: RotateCcw, action: words.rollBack, title: words.rollBackTitle },
};

/** Calls a move off, or takes it back; asks first. */
export function EndButton({ move, how, text }: EndProps) {
  const { icon, action, title } = faces[how];
  const end = useMutation({
    mutationFn: (): Promise<unknown> =>
      how === "cancel" ? api.migrations.cancel(move.id) : api.migrations.rollBack(move.id),
    onSettled: useReread(move.containerId),
  });
  return (
    <div className="mt-2 space-y-2">
      <AskButton
        icon={icon}
        busy={end.isPending}
        onConfirm={() => end.mutate()}
        title={title}
        description={text}
        action={action}
      />
      {end.error && <Fault error={end.error} />}
    </div>
  );
}
