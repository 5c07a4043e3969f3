import { type KeyboardEvent, useId, useState } from "react";
import { cx } from "@/lib/cx";
import { moved } from "@/lib/moved";

/** One of those that were found for what is typed. */
export interface Choice {
  key: string;
  label: string;
  aside?: string;
}

/**
 * The keys of a field in which one types to choose from a list below it: the
 * arrows go through the list, Enter takes what they are at.
 */
export function useChoices<T extends Choice>(choices: T[], label: string, onChoose: (choice: T) => void) {
  const listId = useId();
  const [wish, setAt] = useState(0);
  const at = Math.min(wish, Math.max(choices.length - 1, 0));
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const choice = choices[at];
    if (step !== undefined) setAt(moved(at, step, choices.length));
    else if (event.key === "Enter" && choice) onChoose(choice);
    else return;
    event.preventDefault();
  };
  const open = choices.length > 0;
  return {
    toFirst: () => setAt(0),
    wiring: {
      role: "combobox",
      "aria-autocomplete": "list" as const,
      "aria-expanded": open,
      "aria-controls": open ? listId : undefined,
      "aria-activedescendant": open ? `${listId}${at}` : undefined,
      autoComplete: "off",
      onKeyDown,
    },
    list: open && (
      <div id={listId} role="listbox" aria-label={label}>
        {choices.map((choice, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are heard where one types
          <div
            key={choice.key}
            id={`${listId}${i}`}
            role="option"
            aria-selected={i === at}
            tabIndex={-1}
            onMouseDown={(event) => event.preventDefault()} // which would take the focus from the field
            onClick={() => onChoose(choice)}
            className={cx(
              "flex cursor-pointer items-center justify-between gap-3 rounded-md px-2.5 py-1.5",
              i === at ? "bg-accent-soft text-accent-text" : "hover:bg-hover",
            )}
          >
            <span className="min-w-0 truncate">{choice.label}</span>
            {choice.aside && <span className="text-xs text-muted">{choice.aside}</span>}
          </div>
        ))}
      </div>
    ),
  };
}
