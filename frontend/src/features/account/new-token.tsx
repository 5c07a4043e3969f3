import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { UseFormReturn } from "react-hook-form";
import { api } from "@/api/endpoints";
import { keys, permissionsQuery } from "@/api/queries";
import type { Me, Permission } from "@/api/types";
import { Fault } from "@/components/fault";
import { useSend } from "@/components/send";
import { strings } from "@/strings";
import { account as accountWords } from "@/strings/account";
import { Button } from "@/ui/button";
import { CommandLine } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { SelectField, TextField } from "@/ui/field";
import { Loading } from "@/ui/panel";
import { groupsOf, heldOf } from "./permissions";

const words = accountWords.tokens;

const dayMs = 86_400_000;

interface Values {
  name: string;
  days: string; // empty: for ever
  permissions: string[];
}

interface Making {
  grants: Me["grants"];
  onClose: () => void;
}

/** Makes a token and shows its secret, this once. */
export function NewToken({ grants, onClose }: Making) {
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <Dialog
      open
      firm={secret !== null}
      onOpenChange={(next) => !next && onClose()}
      title={words.addTitle}
      description={secret ? words.secretText : words.addText}
    >
      {secret ? (
        <div className="space-y-4">
          <CommandLine text={secret} />
          <div className="flex justify-end">
            <Button look="primary" onClick={onClose}>
              {words.done}
            </Button>
          </div>
        </div>
      ) : (
        <TokenForm grants={grants} onClose={onClose} onMade={setSecret} />
      )}
    </Dialog>
  );
}

/** The request; `now` is when the token's time begins. */
export function requestOf({ name, days, permissions }: Values, now: number) {
  return {
    name: name.trim(),
    permissions,
    ...(days && { expiresAt: new Date(now + Number(days) * dayMs).toISOString() }),
  };
}

function TokenForm({ grants, onClose, onMade }: Making & { onMade: (secret: string) => void }) {
  const client = useQueryClient();
  const all = useQuery(permissionsQuery());
  const blank: Values = { name: "", days: "90", permissions: [] };
  const { form, faultOf, fault, busy, submit } = useSend({
    blank,
    send: (values: Values) => api.tokens.create(requestOf(values, Date.now())),
    onSent: ({ token }) => {
      void client.invalidateQueries({ queryKey: keys.tokens });
      onMade(token);
    },
  });
  return (
    <form onSubmit={submit} className="space-y-4" noValidate>
      {fault}
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField
          label={words.name}
          hint={words.nameHint}
          autoFocus
          fault={faultOf("name")}
          {...form.register("name", { validate: (text) => Boolean(text.trim()) || words.needName })}
        />
        <SelectField label={words.expires} fault={faultOf("expiresAt" as "days")} {...form.register("days")}>
          {Object.entries(words.lives).map(([days, label]) => (
            <option key={days} value={days === "0" ? "" : days}>
              {label}
            </option>
          ))}
        </SelectField>
      </div>
      {all.error ? (
        <Fault error={all.error} onRetry={() => all.refetch()} />
      ) : all.data ? (
        <Choice form={form} held={heldOf(all.data.items, grants)} fault={faultOf("permissions")} />
      ) : (
        <Loading />
      )}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{strings.cancel}</Button>
        <Button type="submit" look="primary" busy={busy} disabled={!all.data}>
          {words.create}
        </Button>
      </div>
    </form>
  );
}

interface Choosing {
  form: UseFormReturn<Values>;
  held: Permission[];
  fault: string | undefined;
}

/** The permissions that one has oneself, by noun. */
function Choice({ form, held, fault }: Choosing) {
  const choose = (of: Permission[]) =>
    form.setValue(
      "permissions",
      of.map((p) => p.permission),
      { shouldValidate: true },
    );
  const chosen = form.watch("permissions").length;
  return (
    <fieldset className="min-w-0">
      <legend className="mb-1 text-sm font-medium">{words.permissions}</legend>
      <div className="mb-2 flex flex-wrap items-center gap-1">
        <Button look="quiet" onClick={() => choose(held)}>
          {words.all}
        </Button>
        <Button look="quiet" onClick={() => choose(held.filter((p) => !p.changes))}>
          {words.reading}
        </Button>
        <Button look="quiet" onClick={() => choose([])}>
          {words.none}
        </Button>
        <span className="ml-auto text-xs text-muted tabular-nums">{words.chosen(chosen, held.length)}</span>
      </div>
      <div className="max-h-64 space-y-3 overflow-y-auto rounded-md border border-line-strong px-3 py-2.5">
        {groupsOf(held).map(({ noun, permissions }) => (
          <div key={noun}>
            <p className="text-xs font-medium text-muted">{noun}</p>
            {permissions.map((p) => (
              <label key={p.permission} className="flex items-start gap-2 py-1 max-sm:py-1.5">
                <input
                  type="checkbox"
                  value={p.permission}
                  className="mt-1 accent-accent"
                  {...form.register("permissions", {
                    validate: (list) => list.length > 0 || words.needPermission,
                  })}
                />
                <span className="min-w-0">
                  <span className="font-mono text-sm break-words">{p.permission}</span>
                  <span className="block text-xs text-muted">{p.description}</span>
                </span>
              </label>
            ))}
          </div>
        ))}
      </div>
      {fault && <p className="mt-1 text-sm text-bad">{fault}</p>}
    </fieldset>
  );
}
