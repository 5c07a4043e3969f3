import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type ComponentProps, type ReactNode, type Ref, useLayoutEffect, useRef, useState } from "react";
import { Table } from "./table";

/** Tables up to this long are drawn whole: the browser's own search finds everything in them. */
const drawnWhole = 100;
/** Of a row before it was seen, px. */
const usualHeight = 53;

/** What a row's `Tr` has to be given. */
export type Place = Pick<ComponentProps<"tr">, "aria-rowindex"> & {
  ref?: Ref<HTMLTableRowElement>;
  "data-index"?: number;
};

interface LongTableProps<T> {
  label: string;
  head: ReactNode;
  items: readonly T[];
  /** Whether there are more than these. */
  more?: boolean | undefined;
  children: (item: T, place: Place) => ReactNode;
}

/**
 * A table of which only what is near the window is drawn, however long it is.
 * Readers of the screen are told of the rest by the numbers of the rows.
 */
export function LongTable<T extends { id: string }>(props: LongTableProps<T>) {
  const { items, children, label, head } = props;
  if (items.length > drawnWhole) return <Windowed {...props} />;
  return (
    <Table label={label} head={head}>
      {items.map((item) => children(item, {}))}
    </Table>
  );
}

function Windowed<T extends { id: string }>({ label, head, items, more, children }: LongTableProps<T>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const scrollMargin = useTop(body);
  const rows = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => usualHeight,
    getItemKey: (index) => items[index]?.id ?? index,
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
