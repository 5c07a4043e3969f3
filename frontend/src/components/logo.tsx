import { cx } from "@/lib/cx";
import { strings } from "@/strings";

export function Logo({ className }: { className?: string }) {
  return (
    <span className={cx("flex items-center gap-2 font-semibold", className)}>
      <svg viewBox="0 0 32 32" className="size-6" aria-hidden="true">
        <rect width="32" height="32" rx="7" className="fill-accent" />
        <path
          d="M9 8v12a3 3 0 0 0 3 3h11"
          fill="none"
          stroke="#fff"
          strokeWidth="3.4"
          strokeLinecap="round"
        />
        <circle cx="20" cy="13" r="3" fill="#fff" />
      </svg>
      {strings.product}
    </span>
  );
}
