import { Plus, Trash2 } from "lucide-react";
import { useId } from "react";
import { useFieldArray } from "react-hook-form";
import type { Egg } from "@/api/types";
import { strings } from "@/strings";
import { containers as containersWords } from "@/strings/containers";
import { create as words } from "@/strings/create";
import { Button, IconButton } from "@/ui/button";
import { SelectField, TextArea, TextField } from "@/ui/field";
import { Fold } from "@/ui/fold";
import { Panel } from "@/ui/panel";
import { ownPortsOf } from "./form";
import type { CreateForm } from "./use-wizard";
import { allVolumes, volumeText } from "./volumes";

interface StepProps {
  form: CreateForm;
  egg: Egg | undefined;
}

export function PortsStep({ form, egg }: StepProps) {
  const rows = useFieldArray({ control: form.control, name: "ports" });
  const hint = useId();
  const add = () => rows.append({ host: "", container: "", protocol: egg?.wings ? "both" : "tcp" });
  const own = ownPortsOf(egg);
  return (
    <Panel>
      <div className="space-y-3 p-4">
        {rows.fields.map((row, i) => (
          <PortRow key={row.id} form={form} index={i} onRemove={() => rows.remove(i)} />
        ))}
        <Button icon={Plus} onClick={add} aria-describedby={hint}>
          {words.addPort}
        </Button>
        <p id={hint} className="text-sm text-muted">
          {words.portsHint} {own ? words.ownPorts(own) : words.noOwnPorts}
        </p>
      </div>
      <Volumes form={form} egg={egg} />
    </Panel>
  );
}

/** Those beside the egg's own. */
function Volumes({ form, egg }: StepProps) {
  const fault = form.formState.errors.volumes?.message;
  const own = egg ? allVolumes("", egg).map(volumeText).join("; ") : "";
  return (
    <Fold title={words.volumes.title} filled={form.getValues("volumes") !== ""} faulty={Boolean(fault)}>
      <div className="px-4 pt-2 pb-4">
        <TextArea
          label={containersWords.volumes}
          aside={strings.optional}
          hint={[words.volumes.hint, own && words.volumes.own(own)].filter(Boolean).join(" ")}
          rows={3}
          fault={fault}
          {...form.register("volumes")}
        />
      </div>
    </Fold>
  );
}

interface PortRowProps {
  form: CreateForm;
  index: number;
  onRemove: () => void;
}

function PortRow({ form, index, onRemove }: PortRowProps) {
  const errors = form.formState.errors.ports?.[index];
  return (
    <div className="grid grid-cols-[1fr_1fr_6.5rem_2.5rem] items-start gap-2">
      <TextField
        label={words.hostPort}
        placeholder={words.auto}
        inputMode="numeric"
        fault={errors?.host?.message}
        {...form.register(`ports.${index}.host`)}
      />
      <TextField
        label={words.containerPort}
        inputMode="numeric"
        fault={errors?.container?.message}
        {...form.register(`ports.${index}.container`)}
      />
      <SelectField
        label={words.protocol}
        fault={errors?.protocol?.message}
        {...form.register(`ports.${index}.protocol`)}
      >
        <option>tcp</option>
        <option>udp</option>
        <option value="both">{words.both}</option>
      </SelectField>
      <IconButton icon={Trash2} label={strings.remove} onClick={onRemove} className="mt-6.5" />
    </div>
  );
}
