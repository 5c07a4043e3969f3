import { ChevronDown, ChevronUp, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useState } from "react";
import { console as words } from "@/strings/console";
import { IconButton } from "@/ui/button";
import type { Found, Screen } from "./terminal";

interface SearchProps {
  screen: Screen;
  found: Found | null;
  onClose: () => void;
}

/** Finds text in all that the console keeps. Enter goes on, Shift and Enter back, Escape ends it. */
export function LogSearch({ screen, found, onClose }: SearchProps) {
  const [text, setText] = useState("");
  useEffect(() => () => screen.endSearch(), [screen]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") onClose();
    else if (event.key === "Enter") screen.find(text, event.shiftKey ? "previous" : "next");
    else return;
    event.preventDefault();
  };
  const change = (next: string) => {
    setText(next);
    if (next === "") screen.endSearch();
    else screen.find(next, "as typed");
  };
  return (
    <search className="flex items-center gap-1 border-b border-line py-1 pr-2 pl-4">
      <input
        // biome-ignore lint/a11y/noAutofocus: it was asked for just now
        autoFocus
        type="text"
        aria-label={words.searchLabel}
        placeholder={words.searchLabel}
        value={text}
        onChange={(event) => change(event.target.value)}
        onKeyDown={onKeyDown}
        spellCheck={false}
        className="h-8 min-w-0 flex-1 bg-transparent text-sm placeholder:text-muted max-sm:h-10 max-sm:text-[16px]"
      />
      <span role="status" className="text-xs whitespace-nowrap text-muted tabular-nums">
        {text !== "" && found && words.found(found.at + 1, found.of)}
      </span>
      <IconButton
        icon={ChevronUp}
        label={words.previous}
        disabled={text === ""}
        onClick={() => screen.find(text, "previous")}
      />
      <IconButton
        icon={ChevronDown}
        label={words.next}
        disabled={text === ""}
        onClick={() => screen.find(text, "next")}
      />
      <IconButton icon={X} label={words.searchEnd} onClick={onClose} />
    </search>
  );
}
