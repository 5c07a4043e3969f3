import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { strings } from "@/strings";
import { Button, IconButton } from "./button";

/** Puts text on the clipboard, also where the page is served without TLS. */
async function copy(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function CopyButton({
  text,
  bare,
  label = strings.copy,
}: {
  /** Or what makes it, when it is asked for. */
  text: string | (() => string);
  bare?: boolean;
  label?: string;
}) {
  const [done, setDone] = useState(false);
  const onClick = () =>
    copy(typeof text === "string" ? text : text()).then(() => {
      setDone(true);
      setTimeout(() => setDone(false), 2000);
    });
  const icon = done ? Check : Copy;
  const shown = done ? strings.copied : label;
  return bare ? (
    <IconButton icon={icon} label={shown} onClick={onClick} />
  ) : (
    <Button icon={icon} onClick={onClick}>
      {shown}
    </Button>
  );
}

/** A command to be run elsewhere. */
export function CommandLine({ text }: { text: string }) {
  return (
    <div className="rounded-md border border-line bg-terminal">
      <pre className="max-h-44 overflow-auto p-3 font-mono text-sm break-all whitespace-pre-wrap text-terminal-ink select-all">
        {text}
      </pre>
      <div className="flex justify-end border-t border-line-strong/40 p-1.5">
        <CopyButton text={text} />
      </div>
    </div>
  );
}
