import { useInfiniteQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { useNavigate } from "react-router";
import { useNodes } from "@/api/nodes";
import { containersQuery, eggsQuery, itemsOf } from "@/api/queries";
import { useMay } from "@/components/may";
import { strings } from "@/strings";
import { useChoices } from "@/ui/choices";
import { Dialog } from "@/ui/dialog";
import { find, type Target } from "./find";

const words = strings.palette;

interface PaletteProps {
  places: Target[];
  onClose: () => void;
}

/** Goes to anything by a few letters of its name. */
export function Palette({ places, onClose }: PaletteProps) {
  const go = useNavigate();
  const [typed, setTyped] = useState("");
  const found = find([...places, ...useTargets(useDeferredValue(typed))], typed);
  const { wiring, list, toFirst } = useChoices(
    found.map(({ to, label, kind }) => ({ key: to, label, aside: kind })),
    words.title,
    ({ key }) => {
      onClose();
      void go(key);
    },
  );
  return (
    <Dialog open onOpenChange={onClose} title={words.title}>
      <input
        {...wiring}
        aria-label={words.label}
        placeholder={words.hint}
        value={typed}
        onChange={({ target }) => {
          setTyped(target.value);
          toFirst();
        }}
        className="h-10 w-full rounded-md border border-line-strong bg-surface px-2.5 text-base max-sm:text-[16px]"
      />
      {list ? <div className="pt-2">{list}</div> : <p className="pt-3 text-muted">{strings.find.none}</p>}
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
