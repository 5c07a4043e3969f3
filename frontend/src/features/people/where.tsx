import type { SetValueConfig, UseFormRegisterReturn } from "react-hook-form";
import type { PlaceKind } from "@/api/queries";
import type { Binding, Explanation } from "@/api/types";
import { PlaceField } from "@/components/place-field";
import { strings } from "@/strings";
import { people as words } from "@/strings/people";
import { SelectField } from "@/ui/field";

export interface Where {
  scope: "global" | PlaceKind;
  /** Of the cluster, node or container; "" as long as none is chosen. */
  scopeId: string;
}

export const everywhere: Where = { scope: "global", scopeId: "" };

/** What is wrong with it, if anything. */
export const faultIn = ({ scope, scopeId }: Where): true | string =>
  scope === "global" || scopeId !== "" || strings.find.needed;

interface WhereProps {
  scope: Where["scope"];
  /** The form's own for scope. */
  field: UseFormRegisterReturn<"scope">;
  set: (field: "scopeId", id: string, options: SetValueConfig) => void;
  fault: string | undefined;
}

/** Everywhere, or a thing that is found by its name. */
export function WhereFields({ scope, field, set, fault }: WhereProps) {
  const choose = (id: string) => set("scopeId", id, { shouldValidate: id !== "" });
  return (
    <>
      <SelectField
        label={words.kind}
        {...field}
        onChange={(event) => {
          choose("");
          return field.onChange(event);
        }}
      >
        {Object.entries(words.kinds).map(([kind, label]) => (
          <option key={kind} value={kind}>
            {label}
          </option>
        ))}
      </SelectField>
      {scope !== "global" && (
        <PlaceField key={scope} label={words.which[scope]} kind={scope} onChoose={choose} fault={fault} />
      )}
    </>
  );
}

/** Where somebody has a role, in words. */
export function placeOf({
  scope,
  scopeId,
  scopeName,
}: Pick<Binding | Explanation["by"][number], "scope" | "scopeId" | "scopeName">): string {
  if (scope === "global") return words.everywhere;
  if (scope === "owned") return words.owned;
  return words.at[scope](scopeName ?? words.unseen(scopeId ?? ""));
}
