import { useState } from "react";
import { api } from "@/api/endpoints";
import type { Node } from "@/api/types";
import { useSend } from "@/components/send";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextArea, TextField } from "@/ui/field";
import { badLine, labelsOf, textOf } from "./labels";
import { badPool, poolsOf, poolsText } from "./pools";
import { useRereadNode } from "./reread";

const words = strings.fleet;

interface Values {
  name: string;
  description: string;
  labels: string;
  portPools: string;
}

/** Of the node as it was when this was opened: what others change meanwhile is not lost. */
export function EditNode({ node, onClose }: { node: Node; onClose: () => void }) {
  const [{ id, generation, ...opened }] = useState(node);
  const reread = useRereadNode(id);
  const { form, faultOf, fault, busy, submit } = useSend({
    blank: {
      name: opened.name,
      description: opened.description,
      labels: textOf(opened.labels),
      portPools: poolsText(opened.portPools),
    },
    send: ({ name, description, labels, portPools }: Values) => {
      const pools = poolsOf(portPools);
      const edit = { name: name.trim(), description, labels: labelsOf(labels), portPools: pools };
      return api.nodes.edit(id, edit, generation);
    },
    onSent: () => {
      void reread();
      onClose();
    },
  });
  return (
    <Dialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={words.editTitle(opened.name)}
      description={words.editText}
    >
      <form onSubmit={submit} className="space-y-4" noValidate>
        {fault}
        <TextField
          label={strings.nodes.name}
          hint={strings.nodes.nameHint}
          fault={faultOf("name")}
          {...form.register("name", { required: strings.needName })}
        />
        <TextField
          label={strings.nodes.description}
          aside={strings.optional}
          fault={faultOf("description")}
          {...form.register("description")}
        />
        <TextArea
          label={words.labels}
          aside={strings.optional}
          hint={words.labelsHint}
          rows={3}
          fault={faultOf("labels")}
          {...form.register("labels", {
            validate: (text) => {
              const bad = badLine(text);
              return bad === undefined || words.badLabel(bad);
            },
          })}
        />
        <TextArea
          label={words.pools}
          aside={strings.optional}
          hint={words.poolsHint}
          rows={2}
          fault={faultOf("portPools")}
          {...form.register("portPools", {
            validate: (text) => {
              const bad = badPool(text);
              return bad === undefined || words.badPool(bad);
            },
          })}
        />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{strings.cancel}</Button>
          <Button type="submit" look="primary" busy={busy}>
            {strings.save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
