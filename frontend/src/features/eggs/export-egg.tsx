import { useMutation } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { api, type EggFormat } from "@/api/endpoints";
import type { Egg } from "@/api/types";
import { Fault } from "@/components/fault";
import { offer } from "@/lib/offer";
import { eggs as words } from "@/strings/eggs";
import { Button } from "@/ui/button";
import { Panel } from "@/ui/panel";

/** Saves an egg as a file. */
export function ExportEgg({ egg }: { egg: Egg }) {
  const save = useMutation({
    mutationFn: async (format: EggFormat) => {
      const answer = await api.eggs.export(egg.id, format);
      offer(await answer.blob(), nameIn(answer.headers.get("Content-Disposition")));
    },
  });
  const source = useMutation({
    mutationFn: async () => {
      const answer = await api.eggs.source(egg.id);
      offer(await answer.blob(), nameIn(answer.headers.get("Content-Disposition")));
    },
  });
  const error = save.error ?? source.error;
  return (
    <Panel title={words.export}>
      <div className="flex flex-wrap gap-2 p-4">
        {error && <Fault error={error} className="w-full" />}
        {(["PLCN_v3", "PTDL_v2"] as const).map((format) => (
          <Button
            key={format}
            icon={Download}
            busy={save.isPending && save.variables === format}
            onClick={() => save.mutate(format)}
          >
            {words.formats[format]}
          </Button>
        ))}
        {egg.wings && (
          <Button icon={Download} busy={source.isPending} onClick={() => source.mutate()}>
            {words.source}
          </Button>
        )}
      </div>
    </Panel>
  );
}

const nameIn = (disposition: string | null) => disposition?.match(/filename="([^"]+)"/)?.[1] ?? "egg.json";
