import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/endpoints";
import { ApiError, isStale } from "@/api/problem";
import { keys } from "@/api/queries";
import type { Egg, EggBody } from "@/api/types";
import { Fault, FormFault } from "@/components/fault";
import { strings } from "@/strings";
import { categories } from "@/strings/categories";
import { eggs as words } from "@/strings/eggs";
import { Button } from "@/ui/button";
import { SelectField, TextArea, TextField } from "@/ui/field";
import { Panel } from "@/ui/panel";
import { blankEgg, bodyOf, readEgg, readSimple, type Simple, textOf, writeSimple } from "./egg-text";
import { useCategories } from "./use-categories";

const boxes: Array<{ field: Simple; label: string; hint?: string; mono?: boolean }> = [
  { field: "name", label: words.name },
  { field: "image", label: words.image, hint: words.imageHint, mono: true },
  { field: "description", label: words.description },
  { field: "stop", label: words.stop, hint: words.stopHint, mono: true },
  { field: "startup", label: words.startup, hint: words.startupHint, mono: true },
];

interface EggFormProps {
  egg?: Egg;
  /** Only to be looked at. */
  fixed?: boolean;
  onSaved: (egg: Egg) => void;
  /** Begins anew with the egg as it is now. */
  onReread?: () => void;
}

/** The text is the egg; the boxes above it are a window onto parts of it. */
export function EggForm({ egg, fixed = false, onSaved, onReread }: EggFormProps) {
  const client = useQueryClient();
  // Of the egg as it was when one began: what others change meanwhile is not lost.
  const [generation, setGeneration] = useState(egg?.generation ?? 0);
  const [text, setText] = useState(() => textOf(egg ? bodyOf(egg) : blankEgg));
  const read = readEgg(text);
  const save = useMutation({
    mutationFn: (body: EggBody) => (egg ? api.eggs.update(egg.id, body, generation) : api.eggs.create(body)),
    onSuccess: (saved) => {
      setGeneration(saved.generation);
      void client.invalidateQueries({ queryKey: keys.eggs });
      onSaved(saved);
    },
  });
  const faults = save.error instanceof ApiError ? save.error.faults : [];
  const faultOf = (field: Simple) =>
    faults.find((f) => f.field === (field === "image" ? "images[0].image" : field))?.message;
  const shown: Simple[] = [...boxes.map(({ field }) => field), "categoryId"];
  const elsewhere = faults.filter((f) => !shown.some((field) => f.message === faultOf(field)));
  return (
    <form
      noValidate
      className="max-w-3xl space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        if ("egg" in read) save.mutate(read.egg);
      }}
    >
      {isStale(save.error) && onReread ? (
        <Fault error={save.error} onRetry={onReread} retry={strings.reread} />
      ) : (
        save.error && <FormFault error={save.error} left={elsewhere} />
      )}
      <fieldset disabled={fixed} className="min-w-0 space-y-4">
        <Panel title={strings.basics}>
          <div className="grid gap-4 p-4 sm:grid-cols-2">
            {boxes.map(({ field, label, hint, mono }) => (
              <TextField
                key={field}
                label={label}
                hint={hint}
                mono={mono ?? false}
                fault={faultOf(field)}
                disabled={!("egg" in read)}
                value={"egg" in read ? readSimple(read.egg, field) : ""}
                onChange={(event) =>
                  "egg" in read && setText(textOf(writeSimple(read.egg, field, event.target.value)))
                }
              />
            ))}
            {"egg" in read && (
              <CategoryField
                value={readSimple(read.egg, "categoryId")}
                fault={faultOf("categoryId")}
                onChange={(id) => setText(textOf(writeSimple(read.egg, "categoryId", id)))}
              />
            )}
          </div>
        </Panel>
        <TextArea
          label={words.json}
          hint={words.jsonHint}
          rows={20}
          value={text}
          fault={"fault" in read ? read.fault : undefined}
          onChange={(event) => setText(event.target.value)}
        />
      </fieldset>
      <div className={fixed ? "hidden" : "flex items-center gap-3"}>
        <Button type="submit" look="primary" busy={save.isPending} disabled={!("egg" in read)}>
          {egg ? strings.save : words.create}
        </Button>
        {save.isSuccess && (
          <span role="status" className="text-ok">
            {words.saved}
          </span>
        )}
      </div>
    </form>
  );
}

interface CategoryProps {
  value: string;
  fault: string | undefined;
  onChange: (id: string) => void;
}

function CategoryField({ value, fault, onChange }: CategoryProps) {
  const all = useCategories();
  if (all.length === 0) return null;
  return (
    <SelectField
      label={categories.category}
      value={value}
      fault={fault}
      onChange={({ target }) => onChange(target.value)}
    >
      <option value="">{categories.none}</option>
      {value && !all.some(({ id }) => id === value) && <option>{value}</option>}
      {all.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </SelectField>
  );
}
