import { useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleCheck, LoaderCircle } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { api } from "@/api/endpoints";
import { keys, nodeQuery } from "@/api/queries";
import type { Enrolment } from "@/api/types";
import { useSend } from "@/components/send";
import { strings } from "@/strings";
import { Button, buttonClass } from "@/ui/button";
import { CommandLine } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";

const words = strings.nodes;

/** Names a node, shows its one-time command, and waits for the agent. */
export function AddNode({ open, onClose }: { open: boolean; onClose: () => void }) {
  const [created, setCreated] = useState<Enrolment | null>(null);
  const close = () => {
    setCreated(null);
    onClose();
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && close()}
      title={words.addTitle}
      description={created ? words.runThis : words.addText}
    >
      {created ? (
        <Enrol created={created} onClose={close} />
      ) : (
        <NameNode onCreated={setCreated} onCancel={close} />
      )}
    </Dialog>
  );
}

function NameNode({ onCreated, onCancel }: { onCreated: (e: Enrolment) => void; onCancel: () => void }) {
  const client = useQueryClient();
  const { form, faultOf, fault, busy, submit } = useSend({
    blank: { name: "", description: "" },
    send: api.nodes.create,
    onSent: (node) => {
      void client.invalidateQueries({ queryKey: keys.nodeLists });
      onCreated(node);
    },
  });
  return (
    <form onSubmit={submit} className="space-y-4" noValidate>
      {fault}
      <TextField
        label={words.name}
        hint={words.nameHint}
        autoFocus
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
        <Button onClick={onCancel}>{strings.cancel}</Button>
        <Button type="submit" look="primary" busy={busy}>
          {words.createIt}
        </Button>
      </div>
    </form>
  );
}

/** Turns green by itself: the live feed renews the node in the cache. */
function Enrol({ created, onClose }: { created: Enrolment; onClose: () => void }) {
  const { data: node } = useQuery({
    ...nodeQuery(created.id),
    refetchInterval: (query) => (query.state.data?.state === "joining" ? 5000 : false), // should the link be down
  });
  const here = node && node.state !== "joining";
  return (
    <div className="space-y-4">
      <CommandLine text={created.command} />
      <div
        role="status"
        className={
          here
            ? "flex items-start gap-2.5 rounded-lg bg-ok-soft px-3.5 py-3 text-ok"
            : "flex items-start gap-2.5 rounded-lg bg-sunken px-3.5 py-3 text-muted"
        }
      >
        {here ? (
          <CircleCheck aria-hidden className="mt-0.5 size-4 shrink-0" />
        ) : (
          <LoaderCircle aria-hidden className="mt-0.5 size-4 shrink-0 animate-spin" />
        )}
        <div>
          <p className="font-medium">{here ? words.arrived(created.name) : words.waiting}</p>
          <p className="text-sm text-ink">{here ? words.arrivedText : words.later}</p>
        </div>
      </div>
      <div className="flex justify-end gap-2">
        {here && (
          <Link to={`/nodes/${created.id}`} onClick={onClose} className={buttonClass("plain")}>
            {words.open}
          </Link>
        )}
        <Button look={here ? "primary" : "plain"} onClick={onClose}>
          {here ? words.done : strings.close}
        </Button>
      </div>
    </div>
  );
}
