import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Plus, Trash2 } from "lucide-react";
import { useId, useState } from "react";
import { type UseFormReturn, useFieldArray, useForm } from "react-hook-form";
import { api } from "@/api/endpoints";
import { useNodes } from "@/api/nodes";
import { ApiError, type Fault as FieldFault, sortFaults } from "@/api/problem";
import { itemsOf, keys } from "@/api/queries";
import type { Container, Egg, EggVariable, Node } from "@/api/types";
import { FormFault } from "@/components/fault";
import { strings } from "@/strings";
import { Button, IconButton } from "@/ui/button";
import { SelectField, TextField } from "@/ui/field";
import { Panel } from "@/ui/panel";
import { Availability } from "./availability";
import { blank, type CreateValues, check, defaultsOf, hasField, requestOf } from "./form";
import { choicesOf, wordsOf } from "./rules";

const words = strings.create;

type Form = UseFormReturn<CreateValues>;
type Path = Parameters<Form["setError"]>[0];

interface CreateProps {
  eggs: Egg[];
  eggId: string; // chosen before, or ""
  onCreated: (container: Container) => void;
}

export function CreateForm({ eggs, eggId, onCreated }: CreateProps) {
  const client = useQueryClient();
  const chosen = eggs.find((e) => e.id === eggId);
  const form = useForm<CreateValues>({
    defaultValues: { ...blank, ...defaultsOf(chosen), eggId: chosen?.id ?? "" },
  });
  const egg = eggs.find((e) => e.id === form.watch("eggId"));
  const [left, setLeft] = useState<FieldFault[]>([]);
  const [key, setKey] = useState(newKey);
  const create = useMutation({
    mutationFn: ({ values, of }: { values: CreateValues; of: Egg }) =>
      api.containers.create(requestOf(values, of), key),
    onSuccess: (created) => {
      void client.invalidateQueries({ queryKey: keys.containerLists });
      onCreated(created);
    },
    onError: (error) => {
      // An answer settles this attempt; without one the next try may be the
      // same request again, and the key keeps it from being done twice.
      if (!(error instanceof ApiError) || error.status === 0) return;
      setKey(newKey());
      const { placed, left } = sortFaults(error, (path) => hasField(form.getValues(), path));
      for (const { path, message } of placed) form.setError(path as Path, { message }, { shouldFocus: true });
      setLeft(left);
    },
  });
  const submit = form.handleSubmit((values) => {
    setLeft([]);
    if (egg) create.mutate({ values, of: egg });
  });
  return (
    <form onSubmit={submit} className="max-w-3xl space-y-4" noValidate>
      {create.error && <FormFault error={create.error} left={left} />}
      <What form={form} eggs={eggs} egg={egg} />
      {egg && <Variables form={form} egg={egg} />}
      <Resources form={form} />
      <Ports form={form} />
      <Where form={form} />
      <Availability form={form} />
      <Button type="submit" look="primary" icon={Plus} busy={create.isPending} className="max-sm:w-full">
        {words.submit}
      </Button>
    </form>
  );
}

// Not randomUUID, which a page served without TLS does not have.
const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

function What({ form, eggs, egg }: { form: Form; eggs: Egg[]; egg: Egg | undefined }) {
  const { errors } = form.formState;
  const choose = (id: string) => {
    const next = defaultsOf(eggs.find((e) => e.id === id));
    // What was typed stays for the variables that the new egg has, too.
    const typed = form.getValues("environment");
    const kept = Object.entries(next.environment).map(([env, value]) => [env, typed[env] || value]);
    form.setValue("environment", Object.fromEntries(kept));
    form.setValue("image", next.image);
  };
  return (
    <Panel title={words.basics}>
      <div className="grid gap-4 p-4 sm:grid-cols-2">
        <SelectField
          label={words.egg}
          hint={words.eggHint}
          fault={errors.eggId?.message}
          {...form.register("eggId", {
            validate: check.egg,
            onChange: (event) => choose(event.target.value),
          })}
        >
          <option value="">{words.chooseEgg}</option>
          {eggs.map((e) => (
            <option key={e.id} value={e.id}>
              {e.name}
            </option>
          ))}
        </SelectField>
        <TextField
          label={strings.containers.name}
          hint={strings.nodes.nameHint}
          fault={errors.name?.message}
          {...form.register("name", { validate: check.name })}
        />
        {egg && egg.images.length > 1 && (
          <SelectField label={words.image} fault={errors.image?.message} {...form.register("image")}>
            {egg.images.map((i) => (
              <option key={i.name} value={i.name}>
                {i.name} ({i.image})
              </option>
            ))}
          </SelectField>
        )}
      </div>
    </Panel>
  );
}

function Variables({ form, egg }: { form: Form; egg: Egg }) {
  const variables = (egg.variables ?? []).filter((v) => v.user_editable);
  return (
    <Panel title={words.variables}>
      {variables.length === 0 ? (
        <p className="p-4 text-muted">{words.noVariables}</p>
      ) : (
        <div className="grid gap-4 p-4 sm:grid-cols-2">
          {variables.map((v) => (
            <Variable key={v.env} form={form} variable={v} />
          ))}
        </div>
      )}
    </Panel>
  );
}

function Variable({ form, variable }: { form: Form; variable: EggVariable }) {
  const { env, name, description, rules = [] } = variable;
  const choices = choicesOf(rules);
  const field = {
    label: name || env,
    aside: <code>{env}</code>,
    hint: [description, choices ? "" : wordsOf(rules)].filter(Boolean).join(" · "),
    fault: form.formState.errors.environment?.[env]?.message,
    ...form.register(`environment.${env}`, { validate: check.variable(variable) }),
  };
  if (!choices) return <TextField mono {...field} />;
  const now = form.getValues(`environment.${env}`);
  return (
    <SelectField {...field}>
      {(choices.includes(now) ? choices : [now, ...choices]).map((choice) => (
        <option key={choice}>{choice}</option>
      ))}
    </SelectField>
  );
}

function Resources({ form }: { form: Form }) {
  const errors = form.formState.errors.resources;
  return (
    <Panel title={words.resources}>
      <div className="grid gap-4 p-4 sm:grid-cols-3">
        <TextField
          label={strings.containers.cpu}
          aside={words.cpuAside}
          inputMode="decimal"
          fault={errors?.cpu?.message}
          {...form.register("resources.cpu", { validate: check.cpu })}
        />
        <TextField
          label={strings.containers.memory}
          hint={words.sizeHint}
          fault={errors?.memory?.message}
          {...form.register("resources.memory", { validate: check.size })}
        />
        <TextField
          label={strings.containers.disk}
          fault={errors?.disk?.message}
          {...form.register("resources.disk", { validate: check.size })}
        />
      </div>
    </Panel>
  );
}

function Ports({ form }: { form: Form }) {
  const rows = useFieldArray({ control: form.control, name: "ports" });
  const hint = useId();
  const add = () => rows.append({ host: "", container: "", protocol: "tcp" });
  return (
    <Panel
      title={words.ports}
      aside={
        <Button look="quiet" icon={Plus} onClick={add} aria-describedby={hint}>
          {words.addPort}
        </Button>
      }
    >
      <div className="space-y-3 p-4">
        {rows.fields.map((row, i) => (
          <PortRow key={row.id} form={form} index={i} onRemove={() => rows.remove(i)} />
        ))}
        <p id={hint} className="text-sm text-muted">
          {words.portsHint}
        </p>
      </div>
    </Panel>
  );
}

function PortRow({ form, index, onRemove }: { form: Form; index: number; onRemove: () => void }) {
  const errors = form.formState.errors.ports?.[index];
  return (
    <div className="grid grid-cols-[1fr_1fr_5.5rem_2.5rem] items-start gap-2">
      <TextField
        label={words.hostPort}
        placeholder={words.auto}
        inputMode="numeric"
        fault={errors?.host?.message}
        {...form.register(`ports.${index}.host`, { validate: check.portOrNone })}
      />
      <TextField
        label={words.containerPort}
        inputMode="numeric"
        fault={errors?.container?.message}
        {...form.register(`ports.${index}.container`, { validate: check.port })}
      />
      <SelectField
        label={words.protocol}
        fault={errors?.protocol?.message}
        {...form.register(`ports.${index}.protocol`)}
      >
        <option>tcp</option>
        <option>udp</option>
      </SelectField>
      <IconButton icon={Trash2} label={strings.remove} onClick={onRemove} className="mt-6.5" />
    </div>
  );
}

function Where({ form }: { form: Form }) {
  const nodes = itemsOf(useNodes({ refetchOnMount: "always" }).data);
  return (
    <Panel title={words.place}>
      <div className="p-4">
        <SelectField
          label={words.node}
          fault={form.formState.errors.nodeId?.message}
          {...form.register("nodeId")}
        >
          <option value="">{words.automatic}</option>
          {nodes.map((node) => (
            <option key={node.id} value={node.id} disabled={node.state === "joining"}>
              {nodeText(node)}
            </option>
          ))}
        </SelectField>
      </div>
    </Panel>
  );
}

function nodeText({ name, state, capacity }: Node): string {
  if (state === "joining") return words.nodeJoining(name);
  return words.nodeFree(name, `${capacity.cpu} ${words.cpuAside}, ${capacity.memory}`);
}
