import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/endpoints";
import { keys } from "@/api/queries";
import type { Person } from "@/api/types";
import { useMay } from "@/components/may";
import { useSend } from "@/components/send";
import { strings } from "@/strings";
import { people as words } from "@/strings/people";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Panel } from "@/ui/panel";

type Profile = Pick<Person, "email" | "name">;

export function UserProfile({ person }: { person: Person }) {
  const client = useQueryClient();
  const fixed = !useMay()("user.edit");
  const [begun, setBegun] = useState<Profile>(person);
  const { form, faultOf, fault, busy, submit } = useSend({
    blank: { email: begun.email, name: begun.name },
    // what was not touched is not sent: somebody else may have changed it meanwhile
    send: ({ email, name }: Profile) =>
      api.users.edit(person.id, {
        ...(email !== begun.email && { email }),
        ...(name !== begun.name && { name }),
      }),
    onSent: (saved) => {
      setBegun(saved);
      form.reset({ email: saved.email, name: saved.name });
      void client.invalidateQueries({ queryKey: keys.users });
    },
  });
  return (
    <Panel title={words.profile}>
      <form onSubmit={submit} noValidate className="space-y-4 p-4">
        {fault}
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField
            label={words.email}
            readOnly={fixed}
            fault={faultOf("email")}
            {...form.register("email")}
          />
          <TextField label={words.name} readOnly={fixed} fault={faultOf("name")} {...form.register("name")} />
        </div>
        {!fixed && (
          <Button type="submit" look="primary" busy={busy} disabled={!form.formState.isDirty}>
            {strings.save}
          </Button>
        )}
      </form>
    </Panel>
  );
}
