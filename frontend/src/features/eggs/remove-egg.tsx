import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { useNavigate } from "react-router";
import { api } from "@/api/endpoints";
import { keys } from "@/api/queries";
import type { Egg } from "@/api/types";
import { eggs as words } from "@/strings/eggs";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/confirm";

export function RemoveEgg({ egg, onError }: { egg: Egg; onError: (error: unknown) => void }) {
  const client = useQueryClient();
  const go = useNavigate();
  const [asking, setAsking] = useState(false);
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
    <>
      <Button look="danger" icon={Trash2} busy={remove.isPending} onClick={() => setAsking(true)}>
        {words.remove}
      </Button>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        onConfirm={() => remove.mutate()}
        title={words.removeTitle(egg.name)}
        description={words.removeText}
        action={words.remove}
      />
    </>
  );
}
