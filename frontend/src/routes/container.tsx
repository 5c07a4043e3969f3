import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useParams } from "react-router";
import { useNodeNames } from "@/api/nodes";
import { ApiError } from "@/api/problem";
import { containerQuery } from "@/api/queries";
import { Fault } from "@/components/fault";
import { targetOf, useMay } from "@/components/may";
import { Page } from "@/components/page";
import { CommandLine } from "@/features/containers/command-line";
import { ContainerEvents } from "@/features/containers/container-events";
import { AsOf, ContainerFacts, Environment, OutlookNote } from "@/features/containers/container-facts";
import { ContainerJobs } from "@/features/containers/container-jobs";
import { ContainerState } from "@/features/containers/container-table";
import { EditContainer } from "@/features/containers/edit-container";
import { EditEnvironment } from "@/features/containers/edit-environment";
import { LogPanel } from "@/features/containers/logs";
import { Reinstall } from "@/features/containers/reinstall";
import { StatsPanel } from "@/features/containers/stats-panel";
import { VerbBar, VerbFault } from "@/features/containers/verb-bar";
import { hasConsole, reachable } from "@/features/containers/verbs";
import { MigrateButton } from "@/features/migrations/migrate";
import { HaFacts, MovePanel } from "@/features/migrations/move-panel";
import { containers as containersWords } from "@/strings/containers";
import { Loading, Panel } from "@/ui/panel";

export default function ContainerPage() {
  const { id = "" } = useParams();
  const { data: container, error, refetch } = useQuery(containerQuery(id));
  const nodes = useNodeNames();
  const may = useMay();
  const [verbError, setVerbError] = useState<unknown>(null);
  const gone = error instanceof ApiError && error.status === 404;
  if (!container || gone) {
    return (
      <Page title={containersWords.title}>
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
  const node = nodes.get(container.nodeId);
  const allowed = (permission: string) => may(permission, targetOf(container, node?.cluster_id));
  const settled = container.migration_status !== "migrating" && container.power !== "absent";
  const hasVariables = Object.keys(container.environment).length + container.secrets.length > 0;
  return (
    <Page
      title={container.name}
      aside={<ContainerState container={container} node={node} />}
      actions={
        <>
          {allowed("migration.manage") && <MigrateButton container={container} offered={settled} />}
          {allowed("container.reinstall") && settled && (
            <Reinstall container={container} onError={setVerbError} />
          )}
          <VerbBar container={container} clusterId={node?.cluster_id} onError={setVerbError} />
        </>
      }
    >
      <VerbFault error={verbError} />
      <OutlookNote container={container} node={node} />
      <AsOf node={node} />
      <div className="grid items-start gap-4 lg:grid-cols-[1fr_22rem]">
        <div className="min-w-0 space-y-4">
          {allowed("container.stats") && (
            <StatsPanel container={container} reachable={reachable(node?.state)} />
          )}
          {allowed("container.logs") && (
            <LogPanel id={container.id}>
              {allowed("container.command") && hasConsole(container) && <CommandLine id={container.id} />}
            </LogPanel>
          )}
          {allowed("migration.view") && (
            <MovePanel container={container} nodes={nodes} mayManage={allowed("migration.manage")} />
          )}
          {allowed("job.view") && <ContainerJobs id={container.id} />}
          <ContainerEvents
            container={container}
            may={{
              jobs: allowed("job.view"),
              moves: allowed("migration.view"),
              audit: may("audit.view"),
            }}
          />
        </div>
        <div className="min-w-0 space-y-4">
          <ContainerFacts
            container={container}
            node={node}
            change={allowed("container.edit") && <EditContainer container={container} offered={settled} />}
            mayAssign={allowed("container.assign")}
          />
          <HaFacts container={container} maySeeClusters={may("cluster.view")} />
          <Environment
            container={container}
            maySecrets={allowed("container.secret.view")}
            change={
              allowed("container.environment.edit") &&
              hasVariables && <EditEnvironment container={container} offered={settled} />
            }
          />
        </div>
      </div>
    </Page>
  );
}
