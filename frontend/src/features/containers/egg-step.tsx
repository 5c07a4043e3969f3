import { useInfiniteQuery } from "@tanstack/react-query";
import { type KeyboardEvent, type ReactNode, useDeferredValue, useState } from "react";
import { eggsQuery, itemsOf } from "@/api/queries";
import type { Egg } from "@/api/types";
import { Fault } from "@/components/fault";
import { strings } from "@/strings";
import { containers as containersWords } from "@/strings/containers";
import { create as words } from "@/strings/create";
import { Button } from "@/ui/button";
import { SelectField, TextField } from "@/ui/field";
import { Loading, Panel } from "@/ui/panel";
import { startupsOf } from "./form";
import { More } from "./more";
import type { CreateForm } from "./use-wizard";

interface EggStepProps {
  form: CreateForm;
  egg: Egg | undefined;
  onChoose: (egg: Egg) => void;
  empty: ReactNode;
}

export function EggStep({ form, egg, onChoose, empty }: EggStepProps) {
  const { errors } = form.formState;
  return (
    <>
      <Panel>
        <div className="grid gap-4 p-4 sm:grid-cols-2">
          <TextField
            label={containersWords.name}
            hint={strings.nodes.nameHint}
            fault={errors.name?.message}
            {...form.register("name")}
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
          <Startup form={form} egg={egg} />
        </div>
        <More form={form} />
      </Panel>
      <EggChoice egg={egg} onChoose={onChoose} empty={empty} fault={errors.eggId?.message} />
    </>
  );
}

/** One of the egg's ways to start it, where there is a choice. */
function Startup({ form, egg }: Pick<EggStepProps, "form" | "egg">) {
  const startups = startupsOf(egg);
  const chosen = form.watch("startup");
  if (startups.length === 0) return null;
  return (
    <SelectField
      label={words.startup}
      hint={<code className="break-all">{startups.find(({ name }) => name === chosen)?.command}</code>}
      fault={form.formState.errors.startup?.message}
      {...form.register("startup")}
    >
      {startups.map(({ name }) => (
        <option key={name}>{name}</option>
      ))}
    </SelectField>
  );
}

interface ChoiceProps extends Omit<EggStepProps, "form"> {
  fault: string | undefined;
}

/** All eggs, by a few letters of their names; the one that is chosen stays in sight. */
function EggChoice({ egg, onChoose, empty, fault }: ChoiceProps) {
  const [typed, setTyped] = useState("");
  const q = useDeferredValue(typed.trim());
  const query = useInfiniteQuery(eggsQuery(q ? { q } : {}));
  const found = itemsOf(query.data);
  const shown = egg && !found.some(({ id }) => id === egg.id) ? [egg, ...found] : found;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !typed) return;
    event.preventDefault();
    // What was found for fewer letters is no answer to these.
    if (found[0] && !query.isPlaceholderData && q === typed.trim()) onChoose(found[0]);
  };
  if (query.error && !query.data) return <Fault error={query.error} onRetry={query.refetch} />;
  if (query.isPending || (shown.length === 0 && !typed))
    return <Panel>{query.isPending ? <Loading /> : empty}</Panel>;
  return (
    <Panel>
      <div className="space-y-3 p-4">
        <TextField
          label={words.searchEggs}
          type="search"
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
          onKeyDown={onKeyDown}
        />
        {shown.length > 0 && (
          <fieldset className="max-h-80 divide-y divide-line overflow-y-auto rounded-md border border-line">
            <legend className="sr-only">{words.egg}</legend>
            {shown.map((e) => (
              <EggRow key={e.id} egg={e} chosen={e.id === egg?.id} onChoose={onChoose} />
            ))}
            {query.hasNextPage && (
              <div className="p-2 text-center">
                <Button look="quiet" busy={query.isFetchingNextPage} onClick={() => query.fetchNextPage()}>
                  {words.moreEggs}
                </Button>
              </div>
            )}
          </fieldset>
        )}
        {found.length === 0 && <p className="text-muted">{words.noMatch}</p>}
        {fault && (
          <p role="alert" className="text-sm text-bad">
            {fault}
          </p>
        )}
      </div>
    </Panel>
  );
}

interface EggRowProps {
  egg: Egg;
  chosen: boolean;
  onChoose: (egg: Egg) => void;
}

function EggRow({ egg, chosen, onChoose }: EggRowProps) {
  return (
    <label className="flex items-start gap-2.5 px-3 py-2 hover:bg-hover">
      <input
        type="radio"
        name="egg"
        className="mt-1"
        aria-label={egg.name}
        checked={chosen}
        onChange={() => onChoose(egg)}
      />
      <span className="min-w-0">
        <bdi className="break-words">{egg.name}</bdi>
        {egg.description && (
          <bdi className="line-clamp-2 text-xs break-words text-muted">{egg.description}</bdi>
        )}
      </span>
    </label>
  );
}
