import { type ComponentProps, lazy, type ReactNode, type Ref, Suspense } from "react";
import { Table } from "./table";

/** Tables up to this long are drawn whole: the browser's own search finds everything in them. */
const drawnWhole = 100;
/** Comes with the first table that needs it. */
const Windowed = lazy(async () => ({ default: (await import("./windowed")).Windowed })) as <T extends Item>(
  props: LongTableProps<T>,
) => ReactNode;

interface Item {
  id: string;
}

/** What a row's `Tr` has to be given. */
export type Place = Pick<ComponentProps<"tr">, "aria-rowindex"> & {
  ref?: Ref<HTMLTableRowElement>;
  "data-index"?: number;
};

export interface LongTableProps<T> {
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
export function LongTable<T extends Item>(props: LongTableProps<T>) {
  const beginning = <Beginning {...props} />;
  if (props.items.length <= drawnWhole) return beginning;
  return (
    <Suspense fallback={beginning}>
      <Windowed {...props} />
    </Suspense>
  );
}

function Beginning<T extends Item>({ label, head, items, children }: LongTableProps<T>) {
  return (
    <Table label={label} head={head}>
      {items.slice(0, drawnWhole).map((item) => children(item, {}))}
    </Table>
  );
}
