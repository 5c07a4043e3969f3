import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { type FoundKind, placesQuery } from "@/api/queries";
import { cx } from "@/lib/cx";
import { strings } from "@/strings";
import { type Choice, useChoices } from "@/ui/choices";
import { box, edge, Field } from "@/ui/field";
import { Fault } from "./fault";

interface PlaceProps {
  label: string;
  kind: FoundKind;
  /** What was typed or chosen before. */
  before?: string;
  /** The id of what was chosen; "" while what is typed is nothing's name. */
  onChoose: (id: string, typed: string) => void;
  hint?: string;
  aside?: string;
  fault?: string | undefined;
}

/**
 * Chooses a cluster, a node, a container or a user by name. The controller looks
 * for it, as there may be thousands.
 */
export function PlaceField({
  label,
  kind,
  before = "",
  onChoose,
  hint = strings.find.hint,
  aside,
  fault,
}: PlaceProps) {
  const [typed, setTyped] = useState(before);
  const [open, setOpen] = useState(false);
  const q = useDeferredValue(typed.trim());
  const { data, error, isPlaceholderData } = useQuery({ ...placesQuery(kind, q), enabled: open });
  // What was found for fewer letters is no answer to these: Enter would choose something else.
  const found = !isPlaceholderData && q === typed.trim() ? (data ?? []) : [];
  const choose = ({ key, label }: Choice) => {
    setTyped(label);
    setOpen(false);
    onChoose(key, label);
  };
  const { wiring, list, toFirst } = useChoices(open ? found : [], label, choose);
  const leave = () => {
    const meant = open && found.find((place) => place.label === typed.trim());
    if (meant) choose(meant);
    setOpen(false);
  };
  return (
    <div className="relative">
      <Field label={label} hint={hint} aside={aside} fault={fault}>
        {(field) => (
          <input
            {...field}
            {...wiring}
            value={typed}
            onChange={({ target }) => {
              setTyped(target.value);
              setOpen(true);
              toFirst();
              onChoose("", target.value);
            }}
            onKeyDown={(event) => {
              if (event.key === "Escape") setOpen(false);
              else if (event.key === "ArrowDown" && !open) setOpen(true);
              else wiring.onKeyDown(event);
            }}
            onClick={() => setOpen(true)}
            onBlur={leave}
            className={cx(box, edge(fault), "h-9 max-sm:h-10")}
          />
        )}
      </Field>
      {error && <Fault error={error} />}
      {open && !error && data && (
        <div className="absolute inset-x-0 top-16 z-10 rounded-md border border-line bg-raised p-1 shadow-xl">
          {list || (!isPlaceholderData && <p className="px-2.5 py-1.5 text-muted">{strings.find.none}</p>)}
        </div>
      )}
    </div>
  );
}
