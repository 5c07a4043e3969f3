import { useQueryClient } from "@tanstack/react-query";
import { api } from "@/api/endpoints";
import { keys } from "@/api/queries";
import type { Role } from "@/api/types";
import { useSend } from "@/components/send";
import { strings } from "@/strings";
import { account as accountWords } from "@/strings/account";
import { roles as words } from "@/strings/people";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";

export function NewRole({ onClose, onMade }: { onClose: () => void; onMade: (role: Role) => void }) {
  const client = useQueryClient();
  const { form, faultOf, fault, busy, submit } = useSend({
    blank: { name: "" },
    send: api.roles.create,
    onSent: (role) => {
      void client.invalidateQueries({ queryKey: keys.roles });
      onMade(role);
    },
  });
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={words.add} description={words.addText}>
      <form onSubmit={submit} className="space-y-4" noValidate>
        {fault}
        <TextField
          label={words.name}
          autoFocus
          fault={faultOf("name")}
          {...form.register("name", { required: accountWords.tokens.needName })}
        />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{strings.cancel}</Button>
          <Button type="submit" look="primary" busy={busy}>
            {words.create}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
