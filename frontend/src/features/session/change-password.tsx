import { api } from "@/api/endpoints";
import { renewSession } from "@/api/http";
import { CurrentPassword, NewPassword, rules } from "@/components/new-password";
import { useSend } from "@/components/send";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { Card } from "./card";

const words = strings.session;

const blank = { currentPassword: "", newPassword: "", again: "" };

/** Shown in place of everything else until a password of one's own is set. */
export function ChangePassword() {
  const { form, faultOf, fault, busy, submit } = useSend({
    blank,
    send: async ({ currentPassword, newPassword }) => {
      await api.auth.changePassword({ currentPassword, newPassword });
      await renewSession(); // says that nothing needs changing any more
    },
  });
  return (
    <Card title={words.mustChangeTitle}>
      <p className="text-muted">{words.mustChange}</p>
      {fault}
      <form onSubmit={submit} className="space-y-4" noValidate>
        <CurrentPassword
          autoFocus
          fault={faultOf("currentPassword")}
          {...form.register("currentPassword", rules.current)}
        />
        <NewPassword
          next={form.register("newPassword", rules.next)}
          again={form.register("again", rules.again)}
          faults={form.formState.errors}
        />
        <Button type="submit" look="primary" busy={busy} className="w-full">
          {words.change}
        </Button>
      </form>
    </Card>
  );
}
