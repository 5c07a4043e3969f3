import { useMutation, useQueryClient } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { api } from "@/api/endpoints";
import { keys } from "@/api/queries";
import type { Egg, EggChange } from "@/api/types";
import { Fault } from "@/components/fault";
import { strings } from "@/strings";
import { eggs as eggsWords } from "@/strings/eggs";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";

const words = eggsWords.renew;

/** Shows what the newest file of an egg changes, and takes it over. */
export function Renew({ egg, onRenewed }: { egg: Egg; onRenewed: () => void }) {
  const client = useQueryClient();
  const look = useMutation({ mutationFn: () => api.eggs.renew(egg.id, { dryRun: true }) });
  const apply = useMutation({
    mutationFn: () => api.eggs.renew(egg.id, {}),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.eggs });
      look.reset();
      onRenewed();
    },
  });
  const { data: seen } = look;
  return (
    <>
      <Button icon={RefreshCw} busy={look.isPending} onClick={() => look.mutate()}>
        {words.action}
      </Button>
      <Dialog
        open={look.isSuccess || look.isError}
        onOpenChange={look.reset}
        title={words.title(egg.name)}
        description={seen && (seen.outcome === "unchanged" ? words.same : words.text)}
      >
        {look.error && <Fault error={look.error} />}
        {apply.error && <Fault error={apply.error} className="mb-3" />}
        {seen?.changes.map((change) => (
          <Change key={change.field} change={change} />
        ))}
        {seen && seen.outcome !== "unchanged" && (
          <div className="mt-4 flex justify-end gap-2">
            <Button onClick={look.reset}>{strings.cancel}</Button>
            <Button look="primary" busy={apply.isPending} onClick={() => apply.mutate()}>
              {words.apply}
            </Button>
          </div>
        )}
      </Dialog>
    </>
  );
}

const textOf = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

function Change({ change: { field, before, after } }: { change: EggChange }) {
  const box = "max-h-40 overflow-auto rounded px-2 py-1 font-mono text-xs break-words whitespace-pre-wrap";
  return (
    <section className="mb-3">
      <h3 className="mb-1 font-mono text-sm font-medium">{field}</h3>
      {before !== undefined && (
        <del className={`${box} block bg-bad-soft text-bad no-underline`}>{textOf(before)}</del>
      )}
      {after !== undefined && (
        <ins className={`${box} mt-1 block bg-ok-soft text-ok no-underline`}>{textOf(after)}</ins>
      )}
    </section>
  );
}
