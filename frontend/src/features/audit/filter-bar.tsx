import { useMutation } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { type AuditFilter, api } from "@/api/endpoints";
import { Fault } from "@/components/fault";
import { offer } from "@/lib/offer";
import { audit as words } from "@/strings/audit";
import { Button } from "@/ui/button";
import { filterBarClass, filterBox } from "@/ui/filter";
import { type Choice, outcomes, spans } from "./filter";

interface BarProps {
  choice: Choice;
  filter: AuditFilter;
  set: (change: Partial<Choice>) => void;
}

export function FilterBar({ choice, filter, set }: BarProps) {
  const save = useMutation({
    mutationFn: async () => offer(await (await api.audit.export(filter)).blob(), "audit.jsonl"),
  });
  return (
    <fieldset aria-label={words.filter} className={filterBarClass}>
      <input
        type="search"
        aria-label={words.search}
        placeholder={words.search}
        value={choice.q}
        onChange={({ target }) => set({ q: target.value })}
        className={`${filterBox} sm:w-56`}
      />
      <input
        type="search"
        aria-label={words.verb}
        placeholder={words.verb}
        pattern="[a-z.\\-]+([.][*])?"
        value={choice.verb}
        onChange={({ target }) => set({ verb: target.value.replace(/[^a-z.*-]/g, "") })}
        className={`${filterBox} sm:w-44`}
      />
      <select
        aria-label={words.outcome}
        value={choice.outcome}
        onChange={({ target }) => set({ outcome: target.value })}
        className={filterBox}
      >
        <option value="">{words.anyOutcome}</option>
        {outcomes.map((outcome) => (
          <option key={outcome}>{outcome}</option>
        ))}
      </select>
      <select
        aria-label={words.when}
        value={choice.span}
        onChange={({ target }) => set({ span: target.value })}
        className={filterBox}
      >
        <option value="">{words.ever}</option>
        {spans.map((span) => (
          <option key={span} value={span}>
            {words.spans[span]}
          </option>
        ))}
      </select>
      <Button icon={Download} busy={save.isPending} onClick={() => save.mutate()} className="sm:ml-auto">
        {words.export}
      </Button>
      {save.error && <Fault error={save.error} />}
    </fieldset>
  );
}
