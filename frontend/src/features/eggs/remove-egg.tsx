import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useNavigate } from "react-router";
import { api } from "@/api/endpoints";
import { keys } from "@/api/queries";
import type { Egg } from "@/api/types";
import { eggs as words } from "@/strings/eggs";
import { AskButton } from "@/ui/confirm";

export function RemoveEgg({ egg, onError }: { egg: Egg; onError: (error: unknown) => void }) {
  const client = useQueryClient();
  const go = useNavigate();
  const remove = useMutation({
    mutationFn: () => api.eggs.remove(egg.id),
    onMutate: () => onError(null),
    onError,
    onSuccess: () => {
      void go("/eggs");
      void client.invalidateQueries({ queryKey: [...keys.eggs, "list"] });
    },
  });
  return (
    <AskButton
      icon={Trash2}
      look="danger"
      busy={remove.isPending}
      onConfirm={() => remove.mutate()}
      title={words.removeTitle(egg.name)}
      description={words.removeText}
      action={words.remove}
    />
  );
}
