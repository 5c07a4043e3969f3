import { useState } from "react";
import { api } from "@/api/endpoints";
import { CurrentPassword, rules } from "@/components/new-password";
import { useSend } from "@/components/send";
import { strings } from "@/strings";
import { account as accountWords } from "@/strings/account";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import type { Drawing } from "./qr";

const words = accountWords.factor;

interface Begun {
  secret: string;
  qr: Drawing;
}

interface Enabling {
  onClose: () => void;
  /** Told with the recovery codes. */
  onEnabled: (codes: string[]) => void;
}

/** Proves who it is, hands the seed to an app, and wants to see a code of it. */
export function EnableFactor({ onClose, onEnabled }: Enabling) {
  const [begun, setBegun] = useState<Begun | null>(null);
  return (
    <Dialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={words.add}
      description={begun ? words.scan : words.addText}
    >
      {begun ? (
        <Confirm begun={begun} onEnabled={onEnabled} onClose={onClose} />
      ) : (
        <Begin onBegun={setBegun} onClose={onClose} />
      )}
    </Dialog>
  );
}

async function begin(body: { currentPassword: string }): Promise<Begun> {
  const drawing = import("./qr");
  const { secret, uri } = await api.totp.begin(body);
  return { secret, qr: (await drawing).draw(uri) };
}

function Begin({ onBegun, onClose }: { onBegun: (b: Begun) => void; onClose: () => void }) {
  const { form, faultOf, fault, busy, submit } = useSend({
    blank: { currentPassword: "" },
    send: begin,
    onSent: onBegun,
  });
  return (
    <form onSubmit={submit} className="space-y-4" noValidate>
      {fault}
      <CurrentPassword
        autoFocus
        fault={faultOf("currentPassword")}
        {...form.register("currentPassword", rules.current)}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{strings.cancel}</Button>
        <Button type="submit" look="primary" busy={busy}>
          {words.next}
        </Button>
      </div>
    </form>
  );
}

function Confirm({ begun, onEnabled, onClose }: Enabling & { begun: Begun }) {
  const { form, faultOf, fault, busy, submit } = useSend({
    blank: { code: "" },
    send: api.totp.confirm,
    onSent: ({ recoveryCodes }) => onEnabled(recoveryCodes),
  });
  return (
    <form onSubmit={submit} className="space-y-4" noValidate>
      {fault}
      <div className="flex flex-wrap items-center justify-center gap-4">
        <QrCode drawing={begun.qr} />
        <Secret text={begun.secret} />
      </div>
      <TextField
        label={strings.session.code}
        hint={words.codeHint}
        inputMode="numeric"
        autoComplete="one-time-code"
        mono
        autoFocus
        fault={faultOf("code")}
        {...form.register("code", { required: words.needCode })}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{strings.cancel}</Button>
        <Button type="submit" look="primary" busy={busy}>
          {words.turnOn}
        </Button>
      </div>
    </form>
  );
}

/** Black on white in both themes: cameras want it so. */
function QrCode({ drawing: { size, path } }: { drawing: Drawing }) {
  return (
    <svg
      role="img"
      aria-label={words.qr}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
      className="size-52 max-sm:size-44 shrink-0 rounded-md border border-line"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

function Secret({ text }: { text: string }) {
  return (
    <div className="w-56 min-w-0 space-y-2">
      <p className="text-sm text-muted">{words.byHand}</p>
      <div className="flex items-center gap-1 rounded-md bg-sunken py-1.5 pr-1 pl-3">
        <p className="min-w-0 flex-1 font-mono text-sm break-words select-all">
          {text.match(/.{1,4}/g)?.join(" ")}
        </p>
        <CopyButton text={text} label={words.copySecret} bare />
      </div>
    </div>
  );
}
