import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { api } from "@/api/endpoints";
import { ApiError } from "@/api/problem";
import { keys } from "@/api/queries";
import type { Container } from "@/api/types";
import { FormFault } from "@/components/fault";
import { strings } from "@/strings";
import { containers as words } from "@/strings/containers";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { editOf, variablesOf } from "./environment";

interface EditProps {
  container: Container;
  /** What was opened before that ends stays: nothing that was typed is lost. */
  offered: boolean;
}

export function EditEnvironment({ container, offered }: EditProps) {
  const [open, setOpen] = useState(false);
  return (
    <>
      {offered && (
        <Button look="quiet" onClick={() => setOpen(true)}>
          {words.change}
        </Button>
      )}
      <Dialog
        open={open}
        onOpenChange={setOpen}
        title={words.changeTitle(container.name)}
        description={words.changeText}
      >
        <Form container={container} onDone={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

/** Of the container as it was when this was opened: what others change meanwhile is not lost. */
function Form({ container, onDone }: { container: Container; onDone: () => void }) {
  const client = useQueryClient();
  const [{ variables, generation }] = useState(() => ({
    variables: variablesOf(container.environment, container.secrets),
    generation: container.generation,
  }));
  const form = useForm<Record<string, string>>({
    defaultValues: Object.fromEntries(variables.map(({ name, value }) => [name, value])),
  });
  const save = useMutation({
    mutationFn: async (typed: Record<string, string>) => {
      const edit = editOf(variables, typed);
      if (edit) await api.containers.editEnvironment(container.id, edit, generation);
    },
    onSuccess: () => {
      for (const queryKey of [keys.container(container.id), keys.jobs])
        void client.invalidateQueries({ queryKey });
      onDone();
    },
  });
  const left = save.error instanceof ApiError ? save.error.faults : [];
  return (
    <form onSubmit={form.handleSubmit((typed) => save.mutate(typed))} className="space-y-4" noValidate>
      {save.error && <FormFault error={save.error} left={left} />}
      {variables.map(({ name, secret }) => (
        <TextField
          key={name}
          label={name}
          mono
          {...(secret && { type: "password", hint: words.secretHint, autoComplete: "new-password" })}
          {...form.register(name)}
        />
      ))}
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>{strings.cancel}</Button>
        <Button type="submit" look="primary" busy={save.isPending}>
          {words.apply}
        </Button>
      </div>
    </form>
  );
}
