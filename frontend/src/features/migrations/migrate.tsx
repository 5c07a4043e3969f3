import { ArrowRightLeft } from "lucide-react";
import { useState } from "react";
import type { UseFormReturn } from "react-hook-form";
import { api } from "@/api/endpoints";
import { useNodes } from "@/api/nodes";
import { itemsOf } from "@/api/queries";
import { firstOf, shownFirst } from "@/api/room";
import type { Container, MigrateBody } from "@/api/types";
import { useSend } from "@/components/send";
import { formatCores } from "@/lib/quantity";
import { strings } from "@/strings";
import { create as createWords } from "@/strings/create";
import { moves as words } from "@/strings/moves";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { RadioRow } from "@/ui/radio-row";
import { useReread } from "./end-move";
import { type Prospect, prospectsFor } from "./moves";

interface MigrateProps {
  container: Container;
  /** What was opened before that ends stays: nothing that was typed is lost. */
  offered: boolean;
}

/** Moves a container by hand, after a look at where it could go. */
export function MigrateButton(props: MigrateProps) {
  const [open, setOpen] = useState(false);
  return (
    <>
      {props.offered && (
        <Button icon={ArrowRightLeft} onClick={() => setOpen(true)}>
          {words.migrate}
        </Button>
      )}
      <Dialog
        open={open}
        onOpenChange={setOpen}
        title={words.migrateTitle(props.container.name)}
        description={words.migrateText}
      >
        <MigrateForm container={props.container} onSent={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

const blank = { targetNodeId: "", overlap: false, acceptDataLoss: false, force: false, reason: "" };

type Values = typeof blank;

/** What was left alone is not sent. */
function bodyOf({ targetNodeId, reason, ...flags }: Values): MigrateBody {
  const text = reason.trim();
  return { ...flags, ...(targetNodeId && { targetNodeId }), ...(text && { reason: text }) };
}

function MigrateForm({ container, onSent }: { container: Container; onSent: () => void }) {
  const reread = useReread(container.id);
  const { form, faultOf, fault, busy, submit } = useSend({
    blank,
    send: (values: Values) => api.containers.migrate(container.id, bodyOf(values)),
    onSent: () => {
      void reread();
      onSent();
    },
  });
  const check = (field: "overlap" | "acceptDataLoss" | "force", label: string, hint?: string) => (
    <Check label={label} hint={hint} fault={faultOf(field)} {...form.register(field)} />
  );
  return (
    <form onSubmit={submit} className="space-y-4">
      {fault}
      <Targets container={container} form={form} fault={faultOf("targetNodeId")} />
      <div className="space-y-2">
        {container.ha_policy !== "exclusive" && check("overlap", words.overlap)}
        {container.volumes.length > 0 && check("acceptDataLoss", words.dataLoss, words.dataLossHint)}
        {check("force", words.force, words.forceHint)}
      </div>
      <TextField
        label={words.reason}
        aside={strings.optional}
        hint={words.reasonHint}
        fault={faultOf("reason")}
        {...form.register("reason")}
      />
      <div className="flex justify-end">
        <Button type="submit" look="primary" busy={busy}>
          {words.migrate}
        </Button>
      </div>
    </form>
  );
}

interface TargetsProps {
  container: Container;
  form: UseFormReturn<Values>;
  fault: string | undefined;
}

/** Where it could go, as it is by now, and why it cannot go elsewhere. */
function Targets({ container, form, fault }: TargetsProps) {
  const [typed, setTyped] = useState("");
  const [chosen, force] = form.watch(["targetNodeId", "force"]);
  const target = form.register("targetNodeId");
  const all = prospectsFor(container, itemsOf(useNodes().data), force);
  const { shown, more } = firstOf(all, typed, chosen);
  return (
    <div className="space-y-2">
      {all.length > shownFirst && (
        <TextField
          label={createWords.room.find}
          type="search"
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
        />
      )}
      <fieldset>
        <legend className="mb-1 text-sm font-medium">{words.target}</legend>
        <div className="max-h-56 divide-y divide-line overflow-y-auto rounded-md border border-line">
          <RadioRow title={words.automatic} text={words.automaticText}>
            <input type="radio" value="" {...target} />
          </RadioRow>
          {shown.map((p) => (
            <RadioRow key={p.node.id} title={p.node.name} text={prospectText(p)} refused={p.refusal !== ""}>
              <input
                type="radio"
                value={p.node.id}
                disabled={p.refusal !== "" && p.node.id !== chosen}
                {...target}
              />
            </RadioRow>
          ))}
          {more > 0 && <p className="px-3 py-2 text-xs text-muted">{createWords.room.more(more)}</p>}
        </div>
      </fieldset>
      <p className={fault ? "text-sm text-bad" : "text-xs text-muted"}>{fault ?? words.preview}</p>
    </div>
  );
}

function prospectText({ node, refusal }: Prospect): string {
  const { cpu, memory, disk } = node.capacity;
  return refusal || words.free(formatCores(cpu), memory, disk);
}

interface CheckProps extends React.ComponentProps<"input"> {
  label: string;
  hint: string | undefined;
  fault: string | undefined;
}

function Check({ label, hint, fault, ...input }: CheckProps) {
  return (
    <div>
      <label className="flex items-baseline gap-2.5 text-sm">
        <input type="checkbox" {...input} />
        {label}
      </label>
      {(fault || hint) && (
        <p className={`pl-6 text-xs ${fault ? "text-bad" : "text-muted"}`}>{fault || hint}</p>
      )}
    </div>
  );
}
