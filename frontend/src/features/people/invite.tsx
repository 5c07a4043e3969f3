import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/endpoints";
import { keys } from "@/api/queries";
import { useSend } from "@/components/send";
import { strings } from "@/strings";
import { people as words } from "@/strings/people";
import { Button } from "@/ui/button";
import { CommandLine } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";

/** Makes an account, and shows the link with which its owner sets a password. */
export function Invite({ onClose }: { onClose: () => void }) {
  const [link, setLink] = useState("");
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={words.invite}
      description={link ? words.inviteDone : words.inviteText}
      firm={Boolean(link)}
    >
      {link ? <Shown link={link} onClose={onClose} /> : <Form onMade={setLink} onClose={onClose} />}
    </Dialog>
  );
}

function Form({ onMade, onClose }: { onMade: (link: string) => void; onClose: () => void }) {
  const client = useQueryClient();
  const { form, faultOf, fault, busy, submit } = useSend({
    blank: { email: "", name: "" },
    send: api.users.create,
    onSent: ({ passwordReset }) => {
      void client.invalidateQueries({ queryKey: keys.users });
      onMade(passwordReset?.link ?? "");
    },
  });
  return (
    <form onSubmit={submit} className="space-y-4" noValidate>
      {fault}
      <TextField
        label={words.email}
        type="email"
        autoFocus
        fault={faultOf("email")}
        {...form.register("email", { required: strings.session.needEmail })}
      />
      <TextField
        label={words.name}
        aside={strings.optional}
        fault={faultOf("name")}
        {...form.register("name")}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{strings.cancel}</Button>
        <Button type="submit" look="primary" busy={busy}>
          {words.createIt}
        </Button>
      </div>
    </form>
  );
}

/** A link that is shown only once. */
export function Shown({ link, onClose }: { link: string; onClose: () => void }) {
  return (
    <div className="space-y-4">
      <CommandLine text={link} />
      <div className="flex justify-end">
        <Button look="primary" onClick={onClose}>
          {strings.nodes.done}
        </Button>
      </div>
    </div>
  );
}
