import type { ReactNode } from "react";

interface RadioRowProps {
  title: string;
  text: string;
  refused?: boolean;
  /** The radio button. */
  children: ReactNode;
}

/** One of a list of things to choose, with what helps to choose it. */
export function RadioRow({ title, text, refused, children }: RadioRowProps) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children
    <label
      className={`flex flex-wrap items-center gap-x-2.5 px-3 py-2 ${refused ? "text-muted" : "hover:bg-hover"}`}
    >
      {children}
      <bdi className="min-w-28 flex-1 break-words">{title}</bdi>{" "}
      <span className="text-xs text-muted sm:text-right">{text}</span>
    </label>
  );
}
