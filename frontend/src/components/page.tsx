import { type ReactNode, useEffect } from "react";
import { strings } from "@/strings";

interface PageProps {
  title: string;
  /** Shown beside the title: a state, a count. */
  aside?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** The frame of every page: its title is also the tab's. */
export function Page({ title, aside, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · ${strings.product}`;
  }, [title]);
  return (
    <div className="mx-auto w-full max-w-6xl px-4 py-5 sm:px-6">
      <header className="mb-4 flex min-h-9 flex-wrap items-center gap-x-3 gap-y-2">
        <h1 className="min-w-0 text-xl font-semibold break-words">{title}</h1>
        {aside}
        {actions && (
          <div className="flex flex-wrap items-center gap-2 sm:ml-auto max-sm:[&:has(>:only-child)]:ml-auto">
            {actions}
          </div>
        )}
      </header>
      <div className="space-y-4">{children}</div>
    </div>
  );
}
