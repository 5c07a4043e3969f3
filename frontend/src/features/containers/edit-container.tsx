import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { UseFormRegister } from "react-hook-form";
import { api } from "@/api/endpoints";
import { clustersQuery, eggQuery, itemsOf, keys } from "@/api/queries";
import type { Container } from "@/api/types";
import { useMay } from "@/components/may";
import { useSend } from "@/components/send";
import { strings } from "@/strings";
import { containers as words } from "@/strings/containers";
import { create as createWords } from "@/strings/create";
import { moves as movesWords } from "@/strings/moves";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { SelectField, TextArea, TextField } from "@/ui/field";
import { badPort, changesOf, type Spec, specOf } from "./edit";

interface EditProps {
  container: Container;
  /** What was opened before that ends stays: nothing that was typed is lost. */
  offered: boolean;
}

/** Changes what it is: limits, image, and how it moves. */
export function EditContainer({ container, offered }: EditProps) {
  const [opened, setOpened] = useState<Container | null>(null);
  const close = () => setOpened(null);
  return (
    <>
      {offered && (
        <Button look="quiet" onClick={() => setOpened(container)}>
          {words.edit}
        </Button>
      )}
      {opened && (
        <Dialog open onOpenChange={close} title={words.editTitle(opened.name)} description={words.editText}>
          <Form container={opened} onDone={close} />
        </Dialog>
      )}
    </>
  );
}

/** Of the container as it was when this was opened: what others change meanwhile is not lost. */
function Form({ container, onDone }: { container: Container; onDone: () => void }) {
  const client = useQueryClient();
  const may = useMay();
  const before = specOf(container);
  const { form, faultOf, fault, busy, submit } = useSend({
    blank: before,
    send: async (typed: Spec) => {
      const changes = changesOf(before, typed);
      if (changes) await api.containers.edit(container.id, changes, container.generation);
    },
    onSent: () => {
      for (const queryKey of [keys.containers, keys.jobs]) void client.invalidateQueries({ queryKey });
      onDone();
    },
  });
  const { register } = form;
  return (
    <form onSubmit={submit} className="space-y-4" noValidate>
      {fault}
      <Limits register={register} fault={faultOf("resources")} />
      <Image container={container} register={register} fault={faultOf("image")} />
      {(container.type === "ha" || may("container.ha.create")) && (
        <SelectField label={movesWords.type} fault={faultOf("type")} {...register("type")}>
          {Object.entries(movesWords.types).map(([type, word]) => (
            <option key={type} value={type}>
              {word}
            </option>
          ))}
        </SelectField>
      )}
      {form.watch("type") === "ha" && (
        <Moving register={register} faultOf={faultOf} maySee={may("cluster.view")} />
      )}
      <TextArea
        label={words.ports}
        aside={strings.optional}
        hint={words.portsHint}
        rows={2}
        fault={faultOf("ports")}
        {...register("ports", {
          validate: (text) => {
            const bad = badPort(text);
            return bad === undefined || words.badPort(bad);
          },
        })}
      />
      <TextField
        label={words.group}
        aside={strings.optional}
        hint={words.groupHint}
        fault={faultOf("group")}
        {...register("group")}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>{strings.cancel}</Button>
        <Button type="submit" look="primary" busy={busy}>
          {words.apply}
        </Button>
      </div>
    </form>
  );
}

type Register = UseFormRegister<Spec>;

function Limits({ register, fault }: { register: Register; fault: string | undefined }) {
  return (
    <div>
      <div className="grid gap-4 sm:grid-cols-3">
        <TextField
          label={words.cpu}
          aside={strings.cores}
          inputMode="decimal"
          {...register("resources.cpu")}
        />
        <TextField label={words.memory} {...register("resources.memory")} />
        <TextField label={words.disk} {...register("resources.disk")} />
      </div>
      <p className={fault ? "mt-1 text-sm text-bad" : "mt-1 text-xs text-muted"}>
        {fault ?? createWords.sizeHint}
      </p>
    </div>
  );
}

interface ImageProps {
  container: Container;
  register: Register;
  fault: string | undefined;
}

/** One of the egg's, where there is a choice. */
function Image({ container, register, fault }: ImageProps) {
  const { data: egg } = useQuery(eggQuery(container.eggId));
  const images = egg?.images ?? [];
  if (images.length < 2) return null;
  return (
    <SelectField label={words.image} fault={fault} {...register("image")}>
      {images.map(({ name, image }) => (
        <option key={name} value={image}>
          {name}
        </option>
      ))}
    </SelectField>
  );
}

interface MovingProps {
  register: Register;
  faultOf: (field: "ha_policy" | "preferred_cluster_id") => string | undefined;
  maySee: boolean;
}

function Moving({ register, faultOf, maySee }: MovingProps) {
  const clusters = itemsOf(useInfiniteQuery({ ...clustersQuery(), enabled: maySee }).data);
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <SelectField label={movesWords.policy} fault={faultOf("ha_policy")} {...register("ha_policy")}>
        <option value="">{createWords.policies[""]}</option>
        {Object.entries(movesWords.policies).map(([policy, word]) => (
          <option key={policy} value={policy}>
            {word}
          </option>
        ))}
      </SelectField>
      {clusters.length > 0 && (
        <SelectField
          label={movesWords.preferred}
          fault={faultOf("preferred_cluster_id")}
          {...register("preferred_cluster_id")}
        >
          <option value="">{movesWords.noPreference}</option>
          {clusters.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </SelectField>
      )}
    </div>
  );
}
