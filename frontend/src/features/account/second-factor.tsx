import { useQueryClient } from "@tanstack/react-query";
import { ShieldCheck, ShieldOff } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/endpoints";
import { keys } from "@/api/queries";
import type { Me } from "@/api/types";
import { account as accountWords } from "@/strings/account";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Note } from "@/ui/note";
import { Panel } from "@/ui/panel";
import { EnableFactor } from "./enable-factor";
import { ProveFactor } from "./prove-factor";
import { CodesDialog } from "./recovery-codes";

const words = accountWords.factor;

/** So few recovery codes left that somebody should make new ones. */
const few = 3;

type Open = { dialog: "enable" | "renew" | "remove" } | { dialog: "codes"; codes: string[] } | null;

/** What a sign-in asks for beside the password. */
export function SecondFactor({ me }: { me: Me }) {
  const client = useQueryClient();
  const [open, setOpen] = useState<Open>(null);
  const on = me.user.totp;
  const close = () => setOpen(null);
  const changed = () => {
    void client.invalidateQueries({ queryKey: keys.me });
    void client.invalidateQueries({ queryKey: keys.sessions });
  };
  const showCodes = (codes: string[]) => {
    setOpen({ dialog: "codes", codes });
    changed();
  };
  return (
    <Panel
      title={words.title}
      aside={
        on ? (
          <Badge tone="ok" icon={ShieldCheck} label={words.on} />
        ) : (
          <Badge tone="idle" icon={ShieldOff} label={words.off} />
        )
      }
    >
      <div className="space-y-4 p-4">
        <p className="text-muted">{on ? words.onText(me.recoveryCodes) : words.offText}</p>
        {on && me.recoveryCodes < few && <Note look="warn">{words.few}</Note>}
        <div className="flex flex-wrap gap-2">
          {on ? (
            <>
              <Button onClick={() => setOpen({ dialog: "renew" })}>{words.renew}</Button>
              <Button look="danger" onClick={() => setOpen({ dialog: "remove" })}>
                {words.remove}
              </Button>
            </>
          ) : (
            <Button look="primary" onClick={() => setOpen({ dialog: "enable" })}>
              {words.add}
            </Button>
          )}
        </div>
      </div>
      {open?.dialog === "enable" && <EnableFactor onClose={close} onEnabled={showCodes} />}
      {open?.dialog === "renew" && (
        <ProveFactor
          title={words.renew}
          text={words.renewText}
          action={words.renewAction}
          send={api.totp.renewCodes}
          onSent={({ recoveryCodes }) => showCodes(recoveryCodes)}
          onClose={close}
        />
      )}
      {open?.dialog === "remove" && (
        <ProveFactor
          title={words.removeTitle}
          text={words.removeText}
          action={words.remove}
          danger
          send={api.totp.remove}
          onSent={() => {
            close();
            changed();
          }}
          onClose={close}
        />
      )}
      {open?.dialog === "codes" && <CodesDialog codes={open.codes} onClose={close} />}
    </Panel>
  );
}
