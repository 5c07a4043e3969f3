import { useMutation, useQuery } from "@tanstack/react-query";
import { api } from "@/api/endpoints";
import { jobQuery } from "@/api/queries";
import type { Node } from "@/api/types";
import { Fault } from "@/components/fault";
import { useMay } from "@/components/may";
import { useSend } from "@/components/send";
import { formatClock } from "@/lib/time";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { Meter } from "@/ui/meter";
import { Note } from "@/ui/note";
import { useRereadNode } from "./reread";

const words = strings.fleet;

interface DrainProps {
  node: Node;
  onClose: () => void;
  onSent: () => unknown;
}

const blank = { includeStandard: false, minutes: "10", reason: "" };

export function DrainDialog({ node, onClose, onSent }: DrainProps) {
  const { form, faultOf, fault, busy, submit } = useSend({
    blank,
    send: ({ includeStandard, minutes, reason }: typeof blank) =>
      api.nodes.drain(node.id, {
        includeStandard,
        timeoutSeconds: Math.round(Number(minutes) * 60),
        ...(reason && { reason }),
      }),
    onSent: () => {
      void onSent();
      onClose();
    },
  });
  const inMinutes = (text: string) => (Number(text) >= 1 && Number(text) <= 1440) || words.needMinutes;
  return (
    <Dialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={words.drainTitle(node.name)}
      description={words.drainText}
    >
      <form onSubmit={submit} className="space-y-4" noValidate>
        {fault}
        <label className="flex items-baseline gap-2.5 text-sm">
          <input type="checkbox" {...form.register("includeStandard")} />
          {words.standard}
        </label>
        <TextField
          label={words.minutes}
          aside={words.minutesAside}
          hint={words.minutesHint}
          inputMode="numeric"
          fault={faultOf("minutes")}
          {...form.register("minutes", { validate: inMinutes })}
        />
        <TextField
          label={words.reason}
          aside={strings.optional}
          hint={words.reasonHint}
          fault={faultOf("reason")}
          {...form.register("reason")}
        />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{strings.cancel}</Button>
          <Button type="submit" look="danger" busy={busy}>
            {words.drain}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** How far a drain has come, for as long as it goes on. */
export function DrainNote({ node }: { node: Node }) {
  const may = useMay();
  const reread = useRereadNode(node.id);
  const cancel = useMutation({ mutationFn: () => api.nodes.cancelDrain(node.id), onSettled: reread });
  const { drain } = node;
  const mayWatch = may("job.view");
  const { data: job } = useQuery({
    ...jobQuery(drain?.jobId ?? ""),
    enabled: mayWatch && drain !== undefined,
  });
  if (!drain) return null;
  const mayCancel = may("node.drain", { node: node.id, cluster: node.cluster_id });
  return (
    <Note
      look="info"
      action={
        mayCancel && (
          <Button busy={cancel.isPending} onClick={() => cancel.mutate()}>
            {words.cancelDrain}
          </Button>
        )
      }
    >
      <p className="font-medium">{words.draining}</p>
      {drain.reason && <p>{drain.reason}</p>}
      <p className="text-sm text-muted">{words.deadline(formatClock(Date.parse(drain.deadline)))}</p>
      {job && (
        <Meter
          className="mt-2"
          label={job.step || words.progress}
          value={job.progress / 100}
          text={`${job.progress} %`}
          stale
        />
      )}
      {cancel.error && <Fault error={cancel.error} className="mt-2" />}
    </Note>
  );
}

/** Why it is given nothing new. */
export function KeptAway({ node: { cordoned, cordonReason, quarantined } }: { node: Node }) {
  if (!cordoned && !quarantined) return null;
  return (
    <Note look="warn">
      {cordoned && <p>{words.cordoned}</p>}
      {cordonReason && <p className="text-ink">{cordonReason}</p>}
      {quarantined && <p>{words.quarantined}</p>}
    </Note>
  );
}
