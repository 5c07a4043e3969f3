import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Hand } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/endpoints";
import { fleetQuery, keys } from "@/api/queries";
import type { Fleet } from "@/api/types";
import { Age } from "@/components/age";
import { Fault } from "@/components/fault";
import { useMay } from "@/components/may";
import { Reasoned } from "@/components/reasoned";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { AskButton } from "@/ui/confirm";
import { Note } from "@/ui/note";

const words = strings.fleet;

function useFleet() {
  const may = useMay();
  return useQuery({ ...fleetQuery(), enabled: may("fleet.view") }).data;
}

/** On every page, while nodes are not declared lost: why, and the way out for who may. */
export function HoldBanner() {
  const fleet = useFleet();
  const may = useMay();
  if (!fleet || fleet.holds.length === 0) return null;
  const { silent, lost, joined } = fleet;
  return (
    <div className="mx-auto w-full max-w-6xl px-4 pt-4 sm:px-6">
      <Note
        look="warn"
        action={may("fleet.release") && <ReleaseButton regressed={fleet.holds.some(isRegressed)} />}
      >
        <p className="font-medium">{fleet.held ? words.held : words.heldCluster}</p>
        {fleet.holds.map((hold) => (
          <p key={`${hold.kind} ${hold.cluster_id}`} className="text-ink">
            {whyHeld(hold, fleet.operator.reason)} · <Age at={hold.since} />
          </p>
        ))}
        <p className="text-sm text-ink">
          {words.counts(silent, lost, joined)} {words.more}
        </p>
      </Note>
    </div>
  );
}

const isRegressed = ({ kind }: Fleet["holds"][number]) => kind === "state_regressed";

/** The controller's own words name the call that ends a hold; here a button does. */
function whyHeld({ kind, reason }: Fleet["holds"][number], operatorReason = ""): string {
  switch (kind) {
    case "operator":
      return words.kinds.operator(operatorReason);
    case "state_regressed":
      return words.kinds.state_regressed;
    default:
      return reason;
  }
}

function ReleaseButton({ regressed }: { regressed: boolean }) {
  const client = useQueryClient();
  const release = useMutation({
    mutationFn: api.fleet.release,
    onSettled: () => client.invalidateQueries({ queryKey: keys.fleet }),
  });
  return (
    <div className="space-y-2">
      <AskButton
        busy={release.isPending}
        onConfirm={() => release.mutate()}
        title={words.releaseTitle}
        description={regressed ? `${words.releaseText} ${words.releaseRegressed}` : words.releaseText}
        action={words.release}
      />
      {release.error && <Fault error={release.error} />}
    </div>
  );
}

/** Before work on the network, say: nothing is declared lost from then on. */
export function HoldButton() {
  const client = useQueryClient();
  const fleet = useFleet();
  const may = useMay();
  const [asking, setAsking] = useState(false);
  if (!fleet || fleet.operator.held || !may("fleet.hold")) return null;
  return (
    <>
      <Button icon={Hand} onClick={() => setAsking(true)}>
        {words.hold}
      </Button>
      {asking && (
        <Reasoned
          onClose={() => setAsking(false)}
          title={words.holdTitle}
          description={words.holdText}
          action={words.hold}
          send={api.fleet.hold}
          onSent={() => client.invalidateQueries({ queryKey: keys.fleet })}
        />
      )}
    </>
  );
}
