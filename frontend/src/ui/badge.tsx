import type { LucideIcon } from "lucide-react";
import { cx } from "@/lib/cx";

/** What a state means to somebody who looks for trouble. */
export type Tone = "ok" | "busy" | "warn" | "bad" | "idle";

const tones: Record<Tone, string> = {
  ok: "bg-ok-soft text-ok",
  busy: "bg-busy-soft text-busy",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  idle: "bg-sunken text-muted",
};

export interface BadgeProps {
  tone: Tone;
  icon: LucideIcon;
  label: string;
  spin?: boolean;
  title?: string;
}

/** A state in colour, shape and words: never in colour alone. */
export function Badge({ tone, icon: Icon, label, spin, title }: BadgeProps) {
  return (
    <span
      title={title}
      className={cx(
        "inline-flex h-5.5 items-center gap-1 rounded-full px-2 text-xs font-medium whitespace-nowrap",
        tones[tone],
      )}
    >
      <Icon aria-hidden className={cx("size-3.5", spin && "animate-spin")} strokeWidth={2.25} />
      {label}
    </span>
  );
}
