import { CircleAlert, Clock, Info, type LucideIcon, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

type Look = "info" | "queued" | "warn" | "bad";

const looks: Record<Look, { icon: LucideIcon; className: string }> = {
  info: { icon: Info, className: "border-line bg-surface text-ink" },
  queued: { icon: Clock, className: "border-warn/40 bg-warn-soft text-warn" },
  warn: { icon: TriangleAlert, className: "border-warn/40 bg-warn-soft text-warn" },
  bad: { icon: CircleAlert, className: "border-bad/40 bg-bad-soft text-bad" },
};

interface NoteProps {
  look: Look;
  children: ReactNode;
  action?: ReactNode;
  className?: string;
}

/** Something the reader should know before going on. */
export function Note({ look, children, action, className }: NoteProps) {
  const { icon: Icon, className: colours } = looks[look];
  return (
    <div
      role={look === "bad" ? "alert" : "status"}
      className={cx("flex items-start gap-2.5 rounded-lg border px-3.5 py-2.5", colours, className)}
    >
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0 flex-1 break-words">{children}</div>
      {action}
    </div>
  );
}
