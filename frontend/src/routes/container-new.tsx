import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearchParams } from "react-router";
import { eggQuery } from "@/api/queries";
import { Fault } from "@/components/fault";
import { Page } from "@/components/page";
import { CreateWizard } from "@/features/containers/create-wizard";
import { NewEgg } from "@/features/eggs/egg-list";
import { create as words } from "@/strings/create";
import { Empty, Loading, Panel } from "@/ui/panel";

export default function ContainerNew() {
  const [params] = useSearchParams();
  const go = useNavigate();
  const chosen = params.get("egg") ?? "";
  const { data: egg, error, refetch } = useQuery({ ...eggQuery(chosen), enabled: chosen !== "" });
  const noEggs = (
    <Empty title={words.noEggsTitle} action={<NewEgg />}>
      {words.noEggs}
    </Empty>
  );
  if (chosen && !egg) {
    return (
      <Page title={words.title}>
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
    <Page title={words.title}>
      <CreateWizard
        egg={egg}
        noEggs={noEggs}
        onCreated={({ id }) => go(`/containers/${id}`, { replace: true })}
      />
    </Page>
  );
}
