import { useQueryClient } from "@tanstack/react-query";
import { api } from "@/api/endpoints";
import { keys } from "@/api/queries";
import type { Me } from "@/api/types";
import { useSend } from "@/components/send";
import { followTheme } from "@/lib/theme";
import { timeZones } from "@/lib/time-zone";
import { strings } from "@/strings";
import { account as words } from "@/strings/account";
import { Button } from "@/ui/button";
import { SelectField, TextField } from "@/ui/field";
import { Panel } from "@/ui/panel";
import { Saved } from "./saved";

/** Name and settings, which follow their owner to every device. */
export function Profile({ user }: { user: Me["user"] }) {
  const client = useQueryClient();
  const { form, faultOf, fault, busy, sent, submit } = useSend({
    blank: { name: user.name, theme: user.theme, timeZone: user.timeZone },
    send: api.auth.editMe,
    onSent: (changed) => {
      followTheme(changed.theme, true);
      client.setQueryData<Me>(keys.me, (me) => me && { ...me, user: changed });
    },
  });
  return (
    <Panel title={words.profile}>
      <form onSubmit={submit} className="space-y-4 p-4" noValidate>
        {fault}
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label={words.email} value={user.email} readOnly hint={words.emailHint} />
          <TextField
            label={words.name}
            autoComplete="name"
            fault={faultOf("name")}
            {...form.register("name")}
          />
          <SelectField label={strings.theme.label} fault={faultOf("theme")} {...form.register("theme")}>
            <option value="system">{strings.theme.system}</option>
            <option value="light">{strings.theme.light}</option>
            <option value="dark">{strings.theme.dark}</option>
          </SelectField>
          <SelectField label={words.timeZone} fault={faultOf("timeZone")} {...form.register("timeZone")}>
            <option value="">{words.browserZone}</option>
            {timeZones(user.timeZone).map((zone) => (
              <option key={zone}>{zone}</option>
            ))}
          </SelectField>
        </div>
        <div className="flex items-center gap-3">
          <Button type="submit" look="primary" busy={busy}>
            {strings.save}
          </Button>
          {sent && !form.formState.isDirty && <Saved />}
        </div>
      </form>
    </Panel>
  );
}
