import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/endpoints";
import { keys, meQuery, userQuery } from "@/api/queries";
import type { Container } from "@/api/types";
import { Fault } from "@/components/fault";
import { useMay } from "@/components/may";
import { PlaceField } from "@/components/place-field";
import { strings } from "@/strings";
import { containers as words } from "@/strings/containers";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";

/** Whose it is, as far as one may know. */
export function Owner({ container, mayAssign }: { container: Container; mayAssign: boolean }) {
  const maySee = useMay()("user.view");
  const [open, setOpen] = useState(false);
  const { data: user } = useQuery({
    ...userQuery(container.ownerId ?? ""),
    enabled: maySee && container.ownerId !== undefined,
  });
  const { data: me } = useQuery(meQuery());
  const name = container.ownerId === me?.user.id ? words.you : user?.name || user?.email || "–";
  return (
    <span className="flex flex-wrap items-center justify-between gap-x-2">
      <bdi className="min-w-0 break-words">{container.ownerId ? name : words.nobody}</bdi>
      {mayAssign && maySee && (
        <Button look="quiet" onClick={() => setOpen(true)}>
          {words.assign}
        </Button>
      )}
      <Dialog
        open={open}
        onOpenChange={setOpen}
        title={words.assignTitle(container.name)}
        description={words.assignText}
      >
        <Assign container={container} onDone={() => setOpen(false)} />
      </Dialog>
    </span>
  );
}

function Assign({ container, onDone }: { container: Container; onDone: () => void }) {
  const client = useQueryClient();
  const [userId, setUserId] = useState("");
  const assign = useMutation({
    mutationFn: (owner: string) => api.containers.assign(container.id, owner),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.containers });
      onDone();
    },
  });
  return (
    <div className="space-y-4">
      {assign.error && <Fault error={assign.error} />}
      <PlaceField label={words.user} kind="user" onChoose={setUserId} />
      <div className="flex flex-wrap justify-end gap-2">
        {container.ownerId && (
          <Button look="danger" onClick={() => assign.mutate("")}>
            {words.toNobody}
          </Button>
        )}
        <Button onClick={onDone}>{strings.cancel}</Button>
        <Button
          look="primary"
          busy={assign.isPending}
          disabled={userId === ""}
          onClick={() => assign.mutate(userId)}
        >
          {words.assign}
        </Button>
      </div>
    </div>
  );
}
