import type { Proof } from "@/api/endpoints";
import { CurrentPassword, rules } from "@/components/new-password";
import { useSend } from "@/components/send";
import { strings } from "@/strings";
import { account as accountWords } from "@/strings/account";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";

interface Proving<R> {
  title: string;
  text: string;
  action: string;
  danger?: boolean;
  send: (proof: Proof) => Promise<R>;
  onSent: (answer: R) => void;
  onClose: () => void;
}

const blank: Proof = { currentPassword: "", code: "" };

/** Asks for password and code, before something is done to a second factor. */
export function ProveFactor<R>({ title, text, action, danger, send, onSent, onClose }: Proving<R>) {
  const { form, faultOf, fault, busy, submit } = useSend<Proof, R>({ blank: { ...blank }, send, onSent });
  return (
    <Dialog open onOpenChange={(next) => !next && onClose()} title={title} description={text}>
      <form onSubmit={submit} className="space-y-4" noValidate>
        {fault}
        <CurrentPassword
          autoFocus
          fault={faultOf("currentPassword")}
          {...form.register("currentPassword", rules.current)}
        />
        <TextField
          label={strings.session.code}
          hint={strings.session.codeHint}
          autoComplete="one-time-code"
          mono
          fault={faultOf("code")}
          {...form.register("code", { required: accountWords.factor.needCode })}
        />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{strings.cancel}</Button>
          <Button type="submit" look={danger ? "danger" : "primary"} busy={busy}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
