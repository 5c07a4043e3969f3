import type { Reason } from "@/api/endpoints";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { useSend } from "./send";

const words = strings.fleet;

interface ReasonedProps {
  onClose: () => void;
  title: string;
  description: string;
  action: string;
  send: (body: Reason) => Promise<unknown>;
  onSent: () => unknown;
}

/** Asks before something that others will want to know the reason of. */
export function Reasoned({ onClose, title, description, action, send, onSent }: ReasonedProps) {
  const { form, faultOf, fault, busy, submit } = useSend({
    blank: { reason: "" },
    send,
    onSent: () => {
      void onSent();
      onClose();
    },
  });
  return (
    <Dialog open onOpenChange={(next) => !next && onClose()} title={title} description={description}>
      <form onSubmit={submit} className="space-y-4">
        {fault}
        <TextField
          label={words.reason}
          aside={strings.optional}
          hint={words.reasonHint}
          fault={faultOf("reason")}
          {...form.register("reason")}
        />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{strings.cancel}</Button>
          <Button type="submit" look="danger" busy={busy}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
