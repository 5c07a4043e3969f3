import { useInfiniteQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useDeferredValue, useId, useState } from "react";
import { useNavigate } from "react-router";
import { useNodes } from "@/api/nodes";
import { containersQuery, eggsQuery, itemsOf } from "@/api/queries";
import { useMay } from "@/components/may";
import { cx } from "@/lib/cx";
import { strings } from "@/strings";
import { Dialog } from "@/ui/dialog";
import { find, moved, type Target } from "./find";

const words = strings.palette;

interface PaletteProps {
  places: Target[];
  onClose: () => void;
}

/** Goes to anything by a few letters of its name. */
export function Palette({ places, onClose }: PaletteProps) {
  const go = useNavigate();
  const listId = useId();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const found = find([...places, ...useTargets(useDeferredValue(typed))], typed);
  const open = (target: Target | undefined) => {
    if (!target) return;
    onClose();
    void go(target.to);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step !== undefined) setAt(moved(at, step, found.length));
    else if (event.key === "Enter") open(found[at]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog open onOpenChange={onClose} title={words.title}>
      <input
        role="combobox"
        aria-label={words.label}
        aria-expanded
        aria-controls={listId}
        aria-activedescendant={found[at] && `${listId}${at}`}
        placeholder={words.hint}
        value={typed}
        onChange={({ target }) => {
          setTyped(target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
        className="h-10 w-full rounded-md border border-line-strong bg-surface px-2.5 text-base max-sm:text-[16px]"
      />
      {found.length === 0 && <p className="pt-3 text-muted">{words.none}</p>}
      <div id={listId} role="listbox" aria-label={words.title} className="pt-2">
        {found.map((target, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are heard where one types
          <div
            key={target.to}
            id={`${listId}${i}`}
            role="option"
            aria-selected={i === at}
            tabIndex={-1}
            onClick={() => open(target)}
            className={cx(
              "flex cursor-pointer items-center justify-between gap-3 rounded-md px-2.5 py-1.5",
              i === at ? "bg-accent-soft text-accent-text" : "hover:bg-hover",
            )}
          >
            <span className="min-w-0 truncate">{target.label}</span>
            <span className="text-xs text-muted">{target.kind}</span>
          </div>
        ))}
      </div>
    </Dialog>
  );
}

/** The controller looks among the containers, of which there may be many. */
function useTargets(q: string): Target[] {
  const may = useMay();
  const containers = useInfiniteQuery({
    ...containersQuery(q ? { q } : {}),
    enabled: may("container.view"),
  });
  const nodes = useNodes({ enabled: may("node.view") });
  const eggs = useInfiniteQuery({ ...eggsQuery(), enabled: may("egg.view") });
  const targets = (items: Array<{ id: string; name: string }>, path: string, kind: string) =>
    items.map(({ id, name }): Target => ({ to: `${path}/${id}`, label: name, kind }));
  return [
    ...targets(itemsOf(containers.data), "/containers", words.container),
    ...targets(itemsOf(nodes.data), "/nodes", words.node),
    ...targets(itemsOf(eggs.data), "/eggs", words.egg),
  ];
}
