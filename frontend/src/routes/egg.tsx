import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { Link, useParams } from "react-router";
import { eggQuery } from "@/api/queries";
import { Fault } from "@/components/fault";
import { Page } from "@/components/page";
import { EggForm } from "@/features/eggs/egg-form";
import { strings } from "@/strings";
import { buttonClass } from "@/ui/button";
import { Loading, Panel } from "@/ui/panel";

export default function EggPage() {
  const { id = "" } = useParams();
  const client = useQueryClient();
  const { data: egg, error, refetch } = useQuery(eggQuery(id));
  if (!egg) {
    return (
      <Page title={strings.eggs.title}>
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
        <Link to={`/containers/new?egg=${egg.id}`} className={buttonClass()}>
          <Plus aria-hidden className="size-4" />
          {strings.eggs.use}
        </Link>
      }
    >
      <EggForm
        key={egg.id}
        egg={egg}
        onSaved={(saved) => client.setQueryData(eggQuery(id).queryKey, saved)}
      />
    </Page>
  );
}
