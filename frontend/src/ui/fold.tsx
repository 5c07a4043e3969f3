import { type ReactNode, useState } from "react";

interface FoldProps {
  title: string;
  /** What is in it, in a few words. */
  about?: string;
  /** Whether something was filled in before. */
  filled: boolean;
  faulty: boolean;
  children: ReactNode;
}

/** The part of a panel that few people need: folded away until somebody looks for it, or something in it is wrong. */
export function Fold({ title, about, filled, faulty, children }: FoldProps) {
  const [open, setOpen] = useState(filled);
  return (
    <details
      open={open || faulty}
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
      className="border-t border-line"
    >
      <summary className="cursor-pointer px-4 py-2.5 hover:bg-hover">
        {title} {about && <span className="text-xs text-muted">{about}</span>}
      </summary>
      {children}
    </details>
  );
}
