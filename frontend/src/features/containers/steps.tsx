import { Link, useSearchParams } from "react-router";
import { cx } from "@/lib/cx";
import { create as words } from "@/strings/create";
import type { Step } from "./form";

/** How far one has come. Back is a link, ahead is not. */
export function Steps({ all, now }: { all: Step[]; now: Step }) {
  const to = useStepLink();
  const at = all.indexOf(now);
  return (
    <nav aria-label={words.progress}>
      <ol className="flex flex-wrap gap-x-1 gap-y-2 text-sm">
        {all.map((step, i) => (
          <li
            key={step}
            aria-current={i === at ? "step" : undefined}
            className={cx(
              "flex items-center gap-1.5 pr-2",
              i === at ? "font-semibold text-ink" : "text-muted max-sm:text-xs",
            )}
          >
            <span
              aria-hidden
              className={cx(
                "flex size-5.5 items-center justify-center rounded-full text-xs",
                i === at ? "bg-accent text-accent-ink" : i < at ? "bg-ok-soft text-ok" : "bg-sunken",
              )}
            >
              {i + 1}
            </span>
            {i < at ? (
              <Link to={to(step)} className="hover:underline">
                {words.steps[step]}
              </Link>
            ) : (
              words.steps[step]
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** The address of a step of this wizard. */
export function useStepLink(): (step: Step) => string {
  const [params] = useSearchParams();
  return (step) => `?${new URLSearchParams({ ...Object.fromEntries(params), step })}`;
}
