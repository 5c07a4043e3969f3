import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearchParams } from "react-router";
import { eggsQuery, itemsOf } from "@/api/queries";
import { Fault } from "@/components/fault";
import { Page } from "@/components/page";
import { CreateForm } from "@/features/containers/create-form";
import { NewEgg } from "@/features/eggs/egg-list";
import { strings } from "@/strings";
import { Empty, Loading, Panel } from "@/ui/panel";

export default function ContainerNew() {
  const [params] = useSearchParams();
  const go = useNavigate();
  const query = useInfiniteQuery(eggsQuery());
  const eggs = itemsOf(query.data);
  return (
    <Page title={strings.create.title}>
      {query.error && !query.data && <Fault error={query.error} onRetry={query.refetch} />}
      {query.isPending && (
        <Panel>
          <Loading />
        </Panel>
      )}
      {query.data && eggs.length === 0 && (
        <Panel>
          <Empty title={strings.create.noEggsTitle} action={<NewEgg />}>
            {strings.create.noEggs}
          </Empty>
        </Panel>
      )}
      {eggs.length > 0 && (
        <CreateForm
          eggs={eggs}
          eggId={params.get("egg") ?? (eggs.length === 1 ? (eggs[0]?.id ?? "") : "")}
          onCreated={(container) => go(`/containers/${container.id}`)}
        />
      )}
    </Page>
  );
}
