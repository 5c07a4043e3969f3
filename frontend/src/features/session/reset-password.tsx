import { api } from "@/api/endpoints";
import { NewPassword, rules } from "@/components/new-password";
import { useSend } from "@/components/send";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { Note } from "@/ui/note";
import { Card } from "./card";

const words = strings.session;

const blank = { newPassword: "", again: "" };

/**
 * Where a one-time link leads. Its token is behind the #, which no server and
 * no log ever sees.
 */
export function ResetPassword({ token }: { token: string }) {
  const { form, fault, busy, sent, submit } = useSend({
    blank,
    send: ({ newPassword }) => api.auth.resetPassword({ token, newPassword }),
  });
  if (sent) {
    return (
      <Card title={words.resetTitle}>
        <Note look="info">{words.resetDone}</Note>
        <a href="/" className="underline">
          {words.submit}
        </a>
      </Card>
    );
  }
  return (
    <Card title={words.resetTitle}>
      {fault}
      <form onSubmit={submit} className="space-y-4" noValidate>
        <NewPassword
          next={form.register("newPassword", rules.next)}
          again={form.register("again", rules.again)}
          faults={form.formState.errors}
          autoFocus
        />
        <Button type="submit" look="primary" busy={busy} className="w-full">
          {words.set}
        </Button>
      </form>
    </Card>
  );
}
