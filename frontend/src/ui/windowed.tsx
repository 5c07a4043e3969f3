import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useLayoutEffect, useRef, useState } from "react";
import type { LongTableProps } from "./long-table";
import { Table } from "./table";

/** Of a row before it was seen, px. */
const usualHeight = 53;

/** A table with only the rows that are near the window, and gaps of the height of the others. */
export function Windowed<T extends { id: string }>({
  label,
  head,
  items,
  more,
  children,
}: LongTableProps<T>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const scrollMargin = useTop(body);
  const rows = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => usualHeight,
    getItemKey: useKeys(items),
    overscan: 15,
    scrollMargin,
  });
  const drawn = rows.getVirtualItems();
  const before = drawn[0] ? drawn[0].start - scrollMargin : 0;
  const last = drawn.at(-1);
  const after = last ? rows.getTotalSize() - (last.end - scrollMargin) : 0;
  return (
    <Table label={label} head={head} body={body} rowCount={more ? -1 : items.length + 1}>
      <Gap height={before} />
      {drawn.map(({ index }) => {
        const item = items[index];
        const place = { ref: rows.measureElement, "data-index": index, "aria-rowindex": index + 2 };
        return item && children(item, place);
      })}
      <Gap height={after} />
    </Table>
  );
}

/** The same function until other rows are there: with a new one every row is laid out anew. */
function useKeys(items: readonly { id: string }[]): (index: number) => string {
  const [ids, setIds] = useState<string[]>([]);
  const same = ids.length === items.length && items.every(({ id }, i) => id === ids[i]);
  const now = same ? ids : items.map(({ id }) => id);
  if (!same) setIds(now);
  return useCallback((index) => now[index] ?? "", [now]);
}

function Gap({ height }: { height: number }) {
  return height > 0 ? <tr aria-hidden style={{ height }} /> : null;
}

/** Where an element begins on the page, px; what stands above it may come and go. */
function useTop(element: React.RefObject<HTMLElement | null>): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = () => {
      const box = element.current?.getBoundingClientRect();
      if (box) setTop(Math.round(box.top + window.scrollY));
    };
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(document.body);
    return () => watch.disconnect();
  }, [element]);
  return top;
}
