import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { Link, useParams } from "react-router";
import { containersQuery, eggQuery } from "@/api/queries";
import { Fault } from "@/components/fault";
import { List } from "@/components/list";
import { useMay } from "@/components/may";
import { Page } from "@/components/page";
import { ContainerTable } from "@/features/containers/container-table";
import { EggForm } from "@/features/eggs/egg-form";
import { ExportEgg } from "@/features/eggs/export-egg";
import { RemoveEgg } from "@/features/eggs/remove-egg";
import { Renew } from "@/features/eggs/renew";
import { eggs as eggsWords } from "@/strings/eggs";
import { buttonClass } from "@/ui/button";
import { Loading, Panel } from "@/ui/panel";

export default function EggPage() {
  const { id = "" } = useParams();
  const client = useQueryClient();
  const may = useMay();
  const [renewals, setRenewals] = useState(0); // each makes the form anew
  const [fault, setFault] = useState<unknown>(null);
  const containers = useInfiniteQuery(containersQuery({ eggId: id }));
  const { data: egg, error, refetch } = useQuery(eggQuery(id));
  if (!egg) {
    return (
      <Page title={eggsWords.title}>
        {error ? (
          <Fault error={error} onRetry={refetch} />
        ) : (
          <Panel>
            <Loading />
          </Panel>
        )}
      </Page>
    );
  }
  return (
    <Page
      title={egg.name}
      actions={
        <>
          {egg.update_url && may("egg.edit") && (
            <Renew egg={egg} onRenewed={() => setRenewals(renewals + 1)} />
          )}
          {may("container.create") && (
            <Link to={`/containers/new?egg=${egg.id}`} className={buttonClass()}>
              <Plus aria-hidden className="size-4" />
              {eggsWords.use}
            </Link>
          )}
          {may("egg.delete") && <RemoveEgg egg={egg} onError={setFault} />}
        </>
      }
    >
      {fault !== null && <Fault error={fault} className="mb-4" />}
      <EggForm
        key={`${egg.id} ${renewals}`}
        egg={egg}
        fixed={!may("egg.edit")}
        onReread={() => void refetch().then(() => setRenewals(renewals + 1))}
        onSaved={(saved) => client.setQueryData(eggQuery(id).queryKey, saved)}
      />
      <div className="mt-4 max-w-3xl space-y-4">
        {may("container.view") && (
          <List
            title={eggsWords.usedBy}
            query={containers}
            empty={<p className="p-4 text-muted">{eggsWords.unused}</p>}
          >
            {(all) => <ContainerTable containers={all} />}
          </List>
        )}
        <ExportEgg egg={egg} />
      </div>
    </Page>
  );
}
