import { useQueryClient } from "@tanstack/react-query";
import { api } from "@/api/endpoints";
import { keys } from "@/api/queries";
import { CurrentPassword, NewPassword, rules } from "@/components/new-password";
import { useSend } from "@/components/send";
import { strings } from "@/strings";
import { account as accountWords } from "@/strings/account";
import { Button } from "@/ui/button";
import { Panel } from "@/ui/panel";
import { Saved } from "./saved";

const words = strings.session;

const blank = { currentPassword: "", newPassword: "", again: "" };

/** A new password; the controller ends all other sessions with it. */
export function Password({ email }: { email: string }) {
  const client = useQueryClient();
  const { form, faultOf, fault, busy, sent, submit } = useSend({
    blank,
    send: ({ currentPassword, newPassword }) => api.auth.changePassword({ currentPassword, newPassword }),
    onSent: () => {
      form.reset();
      void client.invalidateQueries({ queryKey: keys.sessions });
    },
  });
  return (
    <Panel title={accountWords.password}>
      <form onSubmit={submit} className="space-y-4 p-4" noValidate>
        {fault}
        <input type="hidden" autoComplete="username" value={email} readOnly />
        <CurrentPassword
          fault={faultOf("currentPassword")}
          {...form.register("currentPassword", rules.current)}
        />
        <NewPassword
          next={form.register("newPassword", rules.next)}
          again={form.register("again", rules.again)}
          faults={form.formState.errors}
        />
        <div className="flex flex-wrap items-center gap-3">
          <Button type="submit" look="primary" busy={busy}>
            {words.change}
          </Button>
          {sent && !form.formState.isDirty && <Saved text={accountWords.passwordChanged} />}
        </div>
      </form>
    </Panel>
  );
}
