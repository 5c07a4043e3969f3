import { cx } from "@/lib/cx";

interface MeterProps {
  label: string;
  /** 0…1, or null while nothing is known. */
  value: number | null;
  text: string;
  /** Of the same whole, what is spoken for. */
  part?: { value: number; text: string };
  /** In few words: all of them are its title. */
  brief?: boolean;
  /** Not the present: drawn without alarm. */
  stale?: boolean;
  className?: string;
}

/** How much of something is used, as a bar and in words. */
export function Meter({ label, value, text, part, brief, stale, className }: MeterProps) {
  const percent = Math.round((value ?? 0) * 100);
  const fill = stale ? "bg-muted" : percent >= 95 ? "bg-bad" : percent >= 80 ? "bg-warn" : "bg-accent";
  const said = [value === null ? "–" : text, part?.text].filter(Boolean).join(", ");
  return (
    <div className={cx("min-w-0", className)} title={brief ? said : undefined}>
      <div className={cx("mb-1 flex items-baseline justify-between text-xs", brief ? "gap-1" : "gap-2")}>
        <span className="text-muted">{label}</span>
        <span className="truncate tabular-nums">{value === null ? "–" : brief ? `${percent}%` : text}</span>
      </div>
      <meter aria-label={label} max={100} value={percent} aria-valuetext={said} className="sr-only" />
      <div aria-hidden className="relative h-1.5 overflow-hidden rounded-full bg-line">
        {part && (
          <div
            className="absolute inset-y-0 left-0 rounded-full bg-accent/35"
            style={{ width: `${Math.round(part.value * 100)}%` }}
          />
        )}
        <div
          className={cx("relative h-full rounded-full transition-[width]", fill)}
          style={{ width: `${percent}%` }}
        />
        {part && part.value > 0 && (
          <div
            className="absolute inset-y-0 w-0.5 -translate-x-full bg-ink"
            style={{ left: `${Math.round(part.value * 100)}%` }}
          />
        )}
      </div>
      {part && !brief && <p className="mt-1 text-xs text-muted tabular-nums">{part.text}</p>}
    </div>
  );
}
