import { ArrowRightLeft } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/endpoints";
import { useNodes } from "@/api/nodes";
import { itemsOf } from "@/api/queries";
import type { Container, MigrateBody } from "@/api/types";
import { useSend } from "@/components/send";
import { formatCores } from "@/lib/quantity";
import { strings } from "@/strings";
import { moves as words } from "@/strings/moves";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
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
  const nodes = itemsOf(useNodes().data);
  const { form, faultOf, fault, busy, submit } = useSend({
    blank,
    send: (values: Values) => api.containers.migrate(container.id, bodyOf(values)),
    onSent: () => {
      void reread();
      onSent();
    },
  });
  const target = form.register("targetNodeId");
  const check = (field: "overlap" | "acceptDataLoss" | "force", label: string, hint?: string) => (
    <Check label={label} hint={hint} fault={faultOf(field)} {...form.register(field)} />
  );
  return (
    <form onSubmit={submit} className="space-y-4">
      {fault}
      <fieldset>
        <legend className="mb-1 text-sm font-medium">{words.target}</legend>
        <div className="max-h-56 divide-y divide-line overflow-y-auto rounded-md border border-line">
          <Choice title={words.automatic} text={words.automaticText}>
            <input type="radio" value="" {...target} />
          </Choice>
          {prospectsFor(container, nodes).map((p) => (
            <Choice key={p.node.id} title={p.node.name} text={prospectText(p)} refused={p.refusal !== ""}>
              <input type="radio" value={p.node.id} disabled={p.refusal !== ""} {...target} />
            </Choice>
          ))}
        </div>
        <p className={faultOf("targetNodeId") ? "mt-1 text-sm text-bad" : "mt-1 text-xs text-muted"}>
          {faultOf("targetNodeId") ?? words.preview}
        </p>
      </fieldset>
      <div className="space-y-2">
        {container.ha_policy !== "exclusive" && check("overlap", words.overlap)}
        {container.volumes.length > 0 && check("acceptDataLoss", words.dataLoss, words.dataLossHint)}
        {check("force", words.force)}
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

function prospectText({ node, refusal }: Prospect): string {
  const { cpu, memory, disk } = node.capacity;
  return refusal || words.free(formatCores(cpu), memory, disk);
}

interface ChoiceProps {
  title: string;
  text: string;
  refused?: boolean;
  children: React.ReactNode;
}

function Choice({ title, text, refused, children }: ChoiceProps) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children
    <label className={`flex items-center gap-2.5 px-3 py-2 ${refused ? "text-muted" : "hover:bg-hover"}`}>
      {children}
      <span className="min-w-0 flex-1 break-words">{title}</span>{" "}
      <span className="text-right text-xs text-muted">{text}</span>
    </label>
  );
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
