import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleCheck, LoaderCircle } from "lucide-react";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { Link } from "react-router";
import { api } from "@/api/endpoints";
import { ApiError, sortFaults } from "@/api/problem";
import { keys, nodeQuery } from "@/api/queries";
import type { Enrolment } from "@/api/types";
import { Fault } from "@/components/fault";
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

interface Values {
  name: string;
  description: string;
}

function NameNode({ onCreated, onCancel }: { onCreated: (e: Enrolment) => void; onCancel: () => void }) {
  const client = useQueryClient();
  const form = useForm<Values>({ defaultValues: { name: "", description: "" } });
  const create = useMutation({
    mutationFn: api.nodes.create,
    onSuccess: (node) => {
      void client.invalidateQueries({ queryKey: keys.nodeLists });
      onCreated(node);
    },
    onError: (error) => {
      if (!(error instanceof ApiError)) return;
      const { placed } = sortFaults(error, (path) => path in form.getValues());
      for (const { path, message } of placed) form.setError(path as keyof Values, { message });
    },
  });
  const { errors } = form.formState;
  return (
    <form onSubmit={form.handleSubmit((values) => create.mutate(values))} className="space-y-4" noValidate>
      {create.error && !errors.name && !errors.description && <Fault error={create.error} />}
      <TextField
        label={words.name}
        hint={words.nameHint}
        autoFocus
        fault={errors.name?.message}
        {...form.register("name", { required: strings.create.needName })}
      />
      <TextField
        label={words.description}
        aside={strings.optional}
        fault={errors.description?.message}
        {...form.register("description")}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>{strings.cancel}</Button>
        <Button type="submit" look="primary" busy={create.isPending}>
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
