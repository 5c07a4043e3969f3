import type { Egg, EggVariable } from "@/api/types";
import { create as words } from "@/strings/create";
import { SelectField, TextField } from "@/ui/field";
import { Panel } from "@/ui/panel";
import { titleOf, variablesOf } from "./form";
import { choicesOf, isRequired, wordsOf } from "./rules";
import type { CreateForm } from "./use-wizard";

export function VariablesStep({ form, egg }: { form: CreateForm; egg: Egg }) {
  return (
    <Panel>
      <div className="grid gap-4 p-4 sm:grid-cols-2">
        {variablesOf(egg).map((v) => (
          <Variable key={v.env} form={form} variable={v} />
        ))}
      </div>
    </Panel>
  );
}

/** One of the egg's variables: a list where its rules name all values, hidden where it is a secret. */
function Variable({ form, variable }: { form: CreateForm; variable: EggVariable }) {
  const { env, description, rules = [], user_viewable } = variable;
  const choices = choicesOf(rules);
  const now = form.getValues(`environment.${env}`) ?? "";
  const field = {
    label: titleOf(variable),
    aside: (
      <>
        {isRequired(rules) && `${words.required} · `}
        <code className="break-all">{env}</code>
      </>
    ),
    hint: [description, choices ? "" : wordsOf(rules)].filter(Boolean).join(" · "),
    fault: form.formState.errors.environment?.[env]?.message,
    ...form.register(`environment.${env}`),
  };
  if (!choices)
    return (
      <TextField
        mono
        {...(!user_viewable && { type: "password", autoComplete: "new-password" })}
        {...field}
      />
    );
  return (
    <SelectField {...field}>
      {(choices.includes(now) ? choices : [now, ...choices]).map((choice) => (
        <option key={choice} value={choice}>
          {choice || words.blank}
        </option>
      ))}
    </SelectField>
  );
}
