import { useMutation, useQuery } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { api } from "@/api/endpoints";
import { permissionsQuery } from "@/api/queries";
import type { Explanation, Person, Question } from "@/api/types";
import { Fault } from "@/components/fault";
import { people as words } from "@/strings/people";
import { Button } from "@/ui/button";
import { SelectField } from "@/ui/field";
import { Note } from "@/ui/note";
import { Panel } from "@/ui/panel";
import { everywhere, faultIn, placeOf, type Where, WhereFields } from "./where";

type Values = Where & { verb: string };

/** Why somebody may do a thing, or may not. */
export function Why({ person }: { person: Person }) {
  const { data: all } = useQuery(permissionsQuery());
  const form = useForm<Values>({ defaultValues: { verb: "container.start", ...everywhere } });
  form.register("scopeId", { validate: (_, where) => faultIn(where) });
  const ask = useMutation({ mutationFn: (values: Values) => api.explain(questionOf(person, values)) });
  return (
    <Panel title={words.why}>
      <form onSubmit={form.handleSubmit((values) => ask.mutate(values))} className="space-y-3 p-4">
        <p className="text-sm text-muted">{words.whyText}</p>
        {/* Its options come later than its value, which is set again with them. */}
        <SelectField label={words.verb} {...form.register("verb")} value={form.watch("verb")}>
          {all?.items.map(({ permission }) => (
            <option key={permission}>{permission}</option>
          ))}
        </SelectField>
        <WhereFields
          scope={form.watch("scope")}
          field={form.register("scope")}
          set={form.setValue}
          fault={form.formState.errors.scopeId?.message}
        />
        <Button type="submit" busy={ask.isPending}>
          {words.ask}
        </Button>
        {ask.error && <Fault error={ask.error} />}
        {ask.data && <Answer answer={ask.data} />}
      </form>
    </Panel>
  );
}

const questionOf = (person: Person, { verb, scope, scopeId }: Values): Question => ({
  userId: person.id,
  verb,
  ...(scope !== "global" && { target: { kind: scope, id: scopeId } }),
});

function Answer({ answer: { allowed, summary, by, near } }: { answer: Explanation }) {
  const list = allowed ? by : near;
  return (
    <Note look={allowed ? "info" : "warn"}>
      <p className="font-medium">{allowed ? words.yes : words.no}</p>
      <p className="text-ink">{summary}</p>
      {!allowed && list.length > 0 && <p className="mt-1 text-sm text-ink">{words.near}</p>}
      <ul className="text-sm text-ink">
        {list.map((held) => (
          <li key={`${held.path.join()} ${held.permission} ${held.scopeId}`}>
            {words.by(held.path.join(" → "), held.permission, placeOf(held))}
          </li>
        ))}
      </ul>
    </Note>
  );
}
