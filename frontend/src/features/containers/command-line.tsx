import { CornerDownLeft } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { api } from "@/api/endpoints";
import { useSend } from "@/components/send";
import { containers as words } from "@/strings/containers";
import { IconButton } from "@/ui/button";
import { type Past, recall, remember } from "./past-commands";

/** Writes to the console of a container; the arrows bring back what was written before. */
export function CommandLine({ id }: { id: string }) {
  const [past, setPast] = useState<Past>({ lines: [], at: 0 });
  const { form, faultOf, fault, busy, submit } = useSend({
    blank: { command: "" },
    send: ({ command }) => api.containers.command(id, command),
    onSent: (_, { command }) => {
      setPast(remember(past, command));
      form.reset();
    },
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = recall(past, step);
    setPast(next);
    form.setValue("command", next.lines[next.at] ?? "");
  };
  const said = faultOf("command");
  return (
    <form onSubmit={submit} noValidate className="border-t border-line">
      {fault && <div className="p-3">{fault}</div>}
      {said && (
        <p role="alert" className="px-4 pt-2 text-sm text-bad">
          {said}
        </p>
      )}
      <div className="flex items-center gap-1 py-1.5 pr-2 pl-4">
        <span aria-hidden className="font-mono text-muted">
          ›
        </span>
        <input
          aria-label={words.command}
          placeholder={words.commandHint}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          onKeyDown={onKeyDown}
          className="h-8 min-w-0 flex-1 bg-transparent px-1.5 font-mono text-sm placeholder:text-muted max-sm:h-10 max-sm:text-[16px]"
          {...form.register("command", { required: true })}
        />
        <IconButton type="submit" icon={CornerDownLeft} label={words.send} disabled={busy} />
      </div>
    </form>
  );
}
