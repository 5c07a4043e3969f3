import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

interface PanelProps {
  title?: string;
  aside?: ReactNode;
  children: ReactNode;
  className?: string;
}

export function Panel({ title, aside, children, className }: PanelProps) {
  return (
    <section className={cx("rounded-lg border border-line bg-surface", className)} aria-label={title}>
      {(title || aside) && (
        <div className="flex min-h-10 flex-wrap items-center justify-between gap-2 border-b border-line px-4 py-1.5">
          {title && <h2 className="font-semibold">{title}</h2>}
          {aside}
        </div>
      )}
      {children}
    </section>
  );
}

/** Names and values, one below the other on a phone. */
export function Facts({ items }: { items: Array<[name: string, value: ReactNode]> }) {
  return (
    <dl className="grid grid-cols-[minmax(7rem,auto)_1fr] gap-x-4 gap-y-2 p-4">
      {items.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="min-w-0 break-words">{value || value === 0 ? value : "–"}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Nothing to show, and what to do about it. */
export function Empty({
  title,
  children,
  action,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="flex flex-col items-center gap-1 px-6 py-12 text-center">
      <p className="font-medium">{title}</p>
      {children && <p className="max-w-md text-muted">{children}</p>}
      {action && <div className="mt-3">{action}</div>}
    </div>
  );
}

/** Holds the place of a list that is on its way. */
export function Loading({ rows = 4 }: { rows?: number }) {
  return (
    <div aria-busy className="divide-y divide-line" role="status">
      <span className="sr-only">…</span>
      {Array.from({ length: rows }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike
        <div key={i} className="flex h-12 items-center px-4">
          <div className="h-3 w-2/5 animate-pulse rounded bg-line" />
        </div>
      ))}
    </div>
  );
}
