import { useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/endpoints";
import { keys } from "@/api/queries";
import type { Cluster } from "@/api/types";
import { useMay } from "@/components/may";
import { useSend } from "@/components/send";
import { strings } from "@/strings";
import { clusters as words } from "@/strings/clusters";
import { Button, IconButton } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { SelectField, TextField } from "@/ui/field";
import { blank, requestOf, type Values, valuesOf } from "./form";

export function AddCluster() {
  const may = useMay();
  const [open, setOpen] = useState(false);
  if (!may("cluster.create")) return null;
  return (
    <>
      <Button look="primary" icon={Plus} onClick={() => setOpen(true)}>
        {words.add}
      </Button>
      <Dialog open={open} onOpenChange={setOpen} title={words.addTitle} description={words.addText}>
        <ClusterForm
          values={blank}
          send={(values) => api.clusters.create(requestOf(values))}
          action={words.add}
          onDone={() => setOpen(false)}
        />
      </Dialog>
    </>
  );
}

/** Of the cluster as it was when this was opened: what others change meanwhile is not lost. */
export function EditCluster({ cluster }: { cluster: Cluster }) {
  const [opened, setOpened] = useState<Cluster | null>(null);
  const close = () => setOpened(null);
  return (
    <>
      <IconButton icon={Pencil} label={words.editOf(cluster.name)} onClick={() => setOpened(cluster)} />
      {opened && (
        <Dialog open onOpenChange={close} title={words.editOf(opened.name)} description={words.editText}>
          <ClusterForm
            values={valuesOf(opened)}
            send={(values) => api.clusters.edit(opened.id, requestOf(values), opened.generation)}
            action={strings.save}
            onDone={close}
          />
        </Dialog>
      )}
    </>
  );
}

interface FormProps {
  values: Values;
  send: (values: Values) => Promise<Cluster>;
  action: string;
  onDone: () => void;
}

function ClusterForm({ values, send, action, onDone }: FormProps) {
  const client = useQueryClient();
  const { form, faultOf, fault, busy, submit } = useSend({
    blank: values,
    // Also what was refused is read again: somebody may have changed it meanwhile.
    send: (typed: Values) =>
      send(typed).finally(() => void client.invalidateQueries({ queryKey: keys.clusters })),
    onSent: onDone,
  });
  return (
    <form onSubmit={submit} className="space-y-4" noValidate>
      {fault}
      <TextField
        label={words.name}
        hint={strings.nodes.nameHint}
        fault={faultOf("name")}
        {...form.register("name", { required: words.needName })}
      />
      <TextField
        label={words.description}
        aside={strings.optional}
        fault={faultOf("description")}
        {...form.register("description")}
      />
      <SelectField label={words.profile} fault={faultOf("profile")} {...form.register("profile")}>
        {Object.entries(words.profiles).map(([profile, word]) => (
          <option key={profile} value={profile}>
            {word}
          </option>
        ))}
      </SelectField>
      {form.watch("profile") === "custom" && (
        <TextField
          label={words.ownWindow}
          hint={words.ownWindowHint}
          fault={faultOf("window")}
          {...form.register("window", { required: words.needTime })}
        />
      )}
      <SelectField label={words.outage} fault={faultOf("outage_policy")} {...form.register("outage_policy")}>
        {Object.entries(words.outages).map(([policy, word]) => (
          <option key={policy} value={policy}>
            {word}
          </option>
        ))}
      </SelectField>
      {form.watch("outage_policy") === "failover_after" && (
        <TextField
          label={words.outageAfter}
          hint={words.outageAfterHint}
          fault={faultOf("outage_after")}
          {...form.register("outage_after", { required: words.needTime })}
        />
      )}
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>{strings.cancel}</Button>
        <Button type="submit" look="primary" busy={busy}>
          {action}
        </Button>
      </div>
    </form>
  );
}
