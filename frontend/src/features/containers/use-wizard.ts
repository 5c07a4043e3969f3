import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type FieldErrors, type Resolver, set, type UseFormReturn, useForm } from "react-hook-form";
import { useSearchParams } from "react-router";
import { api } from "@/api/endpoints";
import { ApiError, type Fault, sortFaults } from "@/api/problem";
import { keys } from "@/api/queries";
import type { Container, Egg } from "@/api/types";
import { useMay } from "@/components/may";
import {
  blank,
  type CreateValues,
  defaultsOf,
  faultsOf,
  fieldOf,
  requestOf,
  type Step,
  stepAt,
  stepOf,
  stepsFor,
} from "./form";

/** Where one is, for the rules that hold there. */
interface Place {
  wanted: string;
  all: Step[];
  egg: Egg | undefined;
}

export type CreateForm = UseFormReturn<CreateValues, Place>;
type Path = Parameters<CreateForm["setError"]>[0];

/** Holds to the rules what the present step asks for. */
const resolver: Resolver<CreateValues, Place> = (values, place) => {
  if (!place) return { values, errors: {} };
  const { wanted, all, egg } = place;
  const faults = faultsOf(stepAt(wanted, all, values, egg), values, egg);
  const errors: FieldErrors<CreateValues> = {};
  for (const { path, message } of faults) set(errors, path, { type: "rule", message });
  return faults.length > 0 ? { values: {}, errors } : { values, errors: {} };
};

/** The wizard's state. The step stands in the address, so that the browser's own way back works. */
export function useWizard(chosen: Egg | undefined, onCreated: (container: Container) => void) {
  const may = useMay();
  const [params, setParams] = useSearchParams();
  const [egg, setEgg] = useState(chosen);
  const all = stepsFor(egg, may("container.ha.create"));
  const wanted = params.get("step") ?? "";
  const form = useForm<CreateValues, Place>({
    defaultValues: { ...blank, ...defaultsOf(chosen), eggId: chosen?.id ?? "" },
    resolver,
    context: { wanted, all, egg },
  });
  const step = stepAt(wanted, all, form.getValues(), egg);
  const at = all.indexOf(step);

  const go = (to: Step | undefined) => {
    if (!to) return;
    form.reset(undefined, { keepValues: true, keepDefaultValues: true });
    setParams((now) => ({ ...Object.fromEntries(now), step: to }));
  };
  const create = useCreate({
    onCreated,
    onRefused: (error) => {
      const values = form.getValues();
      const { placed, left } = sortFaults(error, (path) => stepOf(path, values) !== null);
      const owners = placed.map(({ path }) => stepOf(path, values));
      go(all.find((s) => owners.includes(s)));
      for (const { path, message } of placed) form.setError(fieldOf(path) as Path, { message });
      return left;
    },
  });
  const submit = form.handleSubmit((values) => {
    create.forget();
    if (step !== "review") go(all[at + 1]);
    else if (egg) create.send(values, egg);
  });
  const choose = (next: Egg) => {
    const own = defaultsOf(next);
    const old = defaultsOf(egg).environment;
    // What was typed stays for the variables that the new egg has, too.
    const typed = form.getValues("environment");
    const kept = Object.entries(own.environment).map(([env, value]) => [
      env,
      env in old && typed[env] !== old[env] ? typed[env] : value,
    ]);
    form.setValue("environment", Object.fromEntries(kept));
    form.setValue("image", own.image);
    form.setValue("startup", own.startup);
    form.setValue("eggId", next.id);
    form.clearErrors("eggId");
    setEgg(next);
  };
  return { form, egg, all, step, create, submit, choose, goBack: at > 0 ? () => go(all[at - 1]) : undefined };
}

interface Creating {
  onCreated: (container: Container) => void;
  /** Places the faults, and returns those that have no place. */
  onRefused: (error: ApiError) => Fault[];
}

function useCreate({ onCreated, onRefused }: Creating) {
  const client = useQueryClient();
  const [left, setLeft] = useState<Fault[]>([]);
  const [key, setKey] = useState(newKey);
  const sending = useMutation({
    mutationFn: ({ values, egg }: { values: CreateValues; egg: Egg }) =>
      api.containers.create(requestOf(values, egg), key),
    onSuccess: (created) => {
      void client.invalidateQueries({ queryKey: keys.containerLists });
      onCreated(created);
    },
    onError: (error) => {
      // An answer settles this attempt; without one the next try may be the
      // same request again, and the key keeps it from being done twice.
      if (!(error instanceof ApiError) || error.status === 0) return;
      setKey(newKey());
      setLeft(onRefused(error));
    },
  });
  return {
    error: sending.error,
    left,
    busy: sending.isPending,
    send: (values: CreateValues, egg: Egg) => sending.mutate({ values, egg }),
    forget: () => {
      sending.reset();
      setLeft([]);
    },
  };
}

// Not randomUUID, which a page served without TLS does not have.
const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
