import { cx } from "@/lib/cx";

interface MeterProps {
  label: string;
  /** 0…1, or null while nothing is known. */
  value: number | null;
  text: string;
  /** Not the present: drawn without alarm. */
  stale?: boolean;
  className?: string;
}

/** How much of something is used, as a bar and in words. */
export function Meter({ label, value, text, stale, className }: MeterProps) {
  const percent = Math.round((value ?? 0) * 100);
  const fill = stale ? "bg-muted" : percent >= 95 ? "bg-bad" : percent >= 80 ? "bg-warn" : "bg-accent";
  return (
    <div className={cx("min-w-0", className)}>
      <div className="mb-1 flex items-baseline justify-between gap-2 text-xs">
        <span className="text-muted">{label}</span>
        <span className="truncate tabular-nums">{value === null ? "–" : text}</span>
      </div>
      <meter
        aria-label={label}
        max={100}
        value={percent}
        aria-valuetext={value === null ? "–" : text}
        className="sr-only"
      />
      <div aria-hidden className="h-1.5 overflow-hidden rounded-full bg-line">
        <div
          className={cx("h-full rounded-full transition-[width]", fill)}
          style={{ width: `${percent}%` }}
        />
      </div>
    </div>
  );
}
