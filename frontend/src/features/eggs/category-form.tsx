import { useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus } from "lucide-react";
import { useState } from "react";
import { api, type Described } from "@/api/endpoints";
import { keys } from "@/api/queries";
import type { EggCategory } from "@/api/types";
import { useMay } from "@/components/may";
import { useSend } from "@/components/send";
import { strings } from "@/strings";
import { categories as words } from "@/strings/categories";
import { Button, IconButton } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";

export function AddCategory() {
  const may = useMay();
  const [open, setOpen] = useState(false);
  if (!may("egg.category.create")) return null;
  return (
    <>
      <Button look="primary" icon={Plus} onClick={() => setOpen(true)}>
        {words.add}
      </Button>
      <Dialog open={open} onOpenChange={setOpen} title={words.addTitle} description={words.addText}>
        <CategoryForm
          values={{ name: "", description: "" }}
          send={api.categories.create}
          action={words.add}
          onDone={() => setOpen(false)}
        />
      </Dialog>
    </>
  );
}

/** Of the category as it was when this was opened: what others change meanwhile is not lost. */
export function EditCategory({ category }: { category: EggCategory }) {
  const [opened, setOpened] = useState<EggCategory | null>(null);
  const close = () => setOpened(null);
  return (
    <>
      <IconButton icon={Pencil} label={words.editOf(category.name)} onClick={() => setOpened(category)} />
      {opened && (
        <Dialog open onOpenChange={close} title={words.editOf(opened.name)} description={words.editText}>
          <CategoryForm
            values={{ name: opened.name, description: opened.description }}
            send={(values) => api.categories.edit(opened.id, values, opened.generation)}
            action={strings.save}
            onDone={close}
          />
        </Dialog>
      )}
    </>
  );
}

interface FormProps {
  values: Described;
  send: (values: Described) => Promise<EggCategory>;
  action: string;
  onDone: () => void;
}

function CategoryForm({ values, send, action, onDone }: FormProps) {
  const client = useQueryClient();
  const { form, faultOf, fault, busy, submit } = useSend({
    blank: { ...values },
    // Also what was refused is read again: somebody may have changed it meanwhile.
    send: (typed: Described) =>
      send(typed).finally(() => void client.invalidateQueries({ queryKey: keys.categories })),
    onSent: onDone,
  });
  return (
    <form onSubmit={submit} className="space-y-4" noValidate>
      {fault}
      <TextField
        label={words.name}
        hint={strings.nodes.nameHint}
        fault={faultOf("name")}
        {...form.register("name", { required: strings.needName })}
      />
      <TextField
        label={words.description}
        aside={strings.optional}
        fault={faultOf("description")}
        {...form.register("description")}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>{strings.cancel}</Button>
        <Button type="submit" look="primary" busy={busy}>
          {action}
        </Button>
      </div>
    </form>
  );
}
