import { type ComponentProps, type ReactNode, useId } from "react";
import { cx } from "@/lib/cx";

export const box =
  "w-full rounded-md border bg-surface px-2.5 text-base text-ink placeholder:text-muted/70 disabled:opacity-60 [&[readonly]]:bg-sunken [&[readonly]]:text-muted max-sm:text-[16px]";
export const edge = (fault: string | undefined) =>
  fault ? "border-bad" : "border-line-strong hover:border-muted focus:border-accent";

export interface FieldProps {
  label: string;
  hint?: ReactNode;
  fault?: string | undefined;
  /** Shown to the right of the label: "optional", a unit. */
  aside?: ReactNode;
}

interface Wiring {
  id: string;
  "aria-describedby"?: string;
  "aria-invalid"?: true;
}

/** A label, a control, what helps to fill it in and what is wrong with it. */
export function Field({
  label,
  hint,
  fault,
  aside,
  children,
}: FieldProps & { children: (w: Wiring) => ReactNode }) {
  const id = useId();
  const hintId = `${id}hint`;
  const faultId = `${id}fault`;
  const described = fault ? faultId : hint ? hintId : "";
  return (
    <div className="min-w-0">
      <div className="mb-1 flex items-baseline justify-between gap-2">
        <label htmlFor={id} className="text-sm font-medium">
          {label}
        </label>
        {aside && <span className="text-xs text-muted">{aside}</span>}
      </div>
      {children({
        id,
        ...(described && { "aria-describedby": described }),
        ...(fault && { "aria-invalid": true }),
      })}
      {fault && (
        <p id={faultId} className="mt-1 text-sm break-words text-bad">
          {fault}
        </p>
      )}
      {hint && !fault && (
        <p id={hintId} className="mt-1 text-xs text-muted">
          {hint}
        </p>
      )}
    </div>
  );
}

export function TextField({
  label,
  hint,
  fault,
  aside,
  mono,
  className,
  ...input
}: FieldProps & { mono?: boolean } & ComponentProps<"input">) {
  return (
    <Field label={label} hint={hint} fault={fault} aside={aside}>
      {(wiring) => (
        <input
          autoComplete="off"
          {...input}
          {...wiring}
          className={cx(box, edge(fault), "h-9 max-sm:h-10", mono && "font-mono", className)}
        />
      )}
    </Field>
  );
}

export function TextArea({
  label,
  hint,
  fault,
  aside,
  className,
  ...input
}: FieldProps & ComponentProps<"textarea">) {
  return (
    <Field label={label} hint={hint} fault={fault} aside={aside}>
      {(wiring) => (
        <textarea
          spellCheck={false}
          {...input}
          {...wiring}
          className={cx(box, edge(fault), "py-2 font-mono text-sm", className)}
        />
      )}
    </Field>
  );
}

export function SelectField({
  label,
  hint,
  fault,
  aside,
  className,
  children,
  ...input
}: FieldProps & ComponentProps<"select">) {
  return (
    <Field label={label} hint={hint} fault={fault} aside={aside}>
      {(wiring) => (
        <select {...input} {...wiring} className={cx(box, edge(fault), "h-9 pr-1 max-sm:h-10", className)}>
          {children}
        </select>
      )}
    </Field>
  );
}
