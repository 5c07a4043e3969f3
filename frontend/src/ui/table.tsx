import type { ComponentProps, ReactNode, Ref } from "react";
import { cx } from "@/lib/cx";

interface TableProps {
  label: string;
  head: ReactNode;
  children: ReactNode;
  body?: Ref<HTMLTableSectionElement>;
  /** Where not all rows are there: how many it has, with the head, or -1. */
  rowCount?: number;
}

/** A table that scrolls by itself when the page is too narrow. */
export function Table({ label, head, children, body, rowCount }: TableProps) {
  return (
    <div className="overflow-x-auto">
      <table className="w-full border-collapse text-left" aria-label={label} aria-rowcount={rowCount}>
        <thead className="text-xs text-muted max-md:sr-only">
          <tr className="border-b border-line">{head}</tr>
        </thead>
        <tbody ref={body} className="divide-y divide-line">
          {children}
        </tbody>
      </table>
    </div>
  );
}

/** `wide` columns are left out on phones: the first cell says the same. */
interface CellProps {
  wide?: boolean;
}

export function Th({ wide, className, ...rest }: CellProps & ComponentProps<"th">) {
  return (
    <th
      scope="col"
      {...rest}
      className={cx(
        "px-3 py-2 font-medium whitespace-nowrap first:pl-4 last:pr-4",
        wide && "max-md:hidden",
        className,
      )}
    />
  );
}

export function Td({ wide, className, ...rest }: CellProps & ComponentProps<"td">) {
  return (
    <td
      {...rest}
      className={cx("h-11 px-3 py-1.5 align-middle first:pl-4 last:pr-4", wide && "max-md:hidden", className)}
    />
  );
}

export function Tr({ className, ...rest }: ComponentProps<"tr">) {
  return <tr {...rest} className={cx("hover:bg-hover", className)} />;
}
