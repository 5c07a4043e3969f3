import { useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/endpoints";
import { keys } from "@/api/queries";
import { useMay } from "@/components/may";
import { useSend } from "@/components/send";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { SelectField, TextField } from "@/ui/field";

const words = strings.clusters;

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
        <ClusterForm onDone={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

const blank = { name: "", description: "", profile: "standard" };

function ClusterForm({ onDone }: { onDone: () => void }) {
  const client = useQueryClient();
  const { form, faultOf, fault, busy, submit } = useSend({
    blank,
    send: api.clusters.create,
    onSent: () => {
      void client.invalidateQueries({ queryKey: keys.clusters });
      onDone();
    },
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
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>{strings.cancel}</Button>
        <Button type="submit" look="primary" busy={busy}>
          {words.add}
        </Button>
      </div>
    </form>
  );
}
