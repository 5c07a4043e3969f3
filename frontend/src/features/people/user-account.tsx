import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/endpoints";
import { keys } from "@/api/queries";
import type { Person } from "@/api/types";
import { Fault } from "@/components/fault";
import { useMay } from "@/components/may";
import { people as words } from "@/strings/people";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { Dialog } from "@/ui/dialog";
import { Panel } from "@/ui/panel";
import { Shown } from "./invite";

type Deed = "disable" | "enable" | "signOut" | "dropFactor" | "remove";

const needs: Record<Deed, string> = {
  disable: "user.disable",
  enable: "user.disable",
  signOut: "user.session.revoke",
  dropFactor: "user.totp.disable",
  remove: "user.delete",
};

/** Which cannot be done by a slip, and what is said before. */
const asked: Partial<Record<Deed, string>> = {
  disable: words.disableText,
  dropFactor: words.dropText,
  remove: words.removeText,
};

/** What can be done to somebody's account. */
export function UserAccount({ person, onRemoved }: { person: Person; onRemoved: () => void }) {
  const client = useQueryClient();
  const may = useMay();
  const [asking, setAsking] = useState<Deed | null>(null);
  const act = useMutation({
    mutationFn: (deed: Deed): Promise<unknown> => api.users[deed](person.id),
    onSuccess: (_, deed) => (deed === "remove" ? onRemoved() : undefined),
    onSettled: () => client.invalidateQueries({ queryKey: keys.users }),
  });
  const link = useMutation({ mutationFn: () => api.users.resetPassword(person.id) });
  const deeds: Deed[] = [
    person.disabled ? "enable" : "disable",
    "signOut",
    ...(person.totp ? ["dropFactor" as const] : []),
    "remove",
  ];
  return (
    <Panel title={words.account}>
      <div className="flex flex-wrap gap-2 p-4">
        {(act.error ?? link.error) && <Fault error={act.error ?? link.error} className="w-full" />}
        {may("user.password.reset") && (
          <Button busy={link.isPending} onClick={() => link.mutate()}>
            {words.reset}
          </Button>
        )}
        {deeds
          .filter((deed) => may(needs[deed]))
          .map((deed) => (
            <Button
              key={deed}
              look={deed === "remove" || deed === "disable" ? "danger" : "plain"}
              busy={act.isPending && act.variables === deed}
              onClick={() => (asked[deed] ? setAsking(deed) : act.mutate(deed))}
            >
              {words[deed]}
            </Button>
          ))}
      </div>
      {asking && (
        <Confirm
          open
          onClose={() => setAsking(null)}
          onConfirm={() => act.mutate(asking)}
          title={asking === "remove" ? words.removeOf(person.email) : words[asking]}
          description={asked[asking] ?? ""}
          action={words[asking]}
        />
      )}
      <Dialog
        open={link.isSuccess}
        onOpenChange={link.reset}
        title={words.reset}
        description={words.resetText}
        firm
      >
        {link.data && <Shown link={link.data.link} onClose={link.reset} />}
      </Dialog>
    </Panel>
  );
}
