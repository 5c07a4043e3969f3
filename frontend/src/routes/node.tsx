import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { Link, useParams } from "react-router";
import { containersQuery, nodeQuery } from "@/api/queries";
import { Age } from "@/components/age";
import { Fault } from "@/components/fault";
import { List } from "@/components/list";
import { useMay } from "@/components/may";
import { Page } from "@/components/page";
import { NodeBadge } from "@/components/states";
import { ContainerTable } from "@/features/containers/container-table";
import { DrainNote, KeptAway } from "@/features/nodes/drain";
import { LinkHistory } from "@/features/nodes/link-history";
import { NodeBar } from "@/features/nodes/node-bar";
import { NodeEvents } from "@/features/nodes/node-events";
import { NodeFacts, NodeLife } from "@/features/nodes/node-facts";
import { strings } from "@/strings";
import { containers as containersWords } from "@/strings/containers";
import { buttonClass } from "@/ui/button";
import { Empty, Loading, Panel } from "@/ui/panel";

const words = strings.nodes;

export default function NodePage() {
  const { id = "" } = useParams();
  const { data: node, error, refetch } = useQuery(nodeQuery(id));
  const may = useMay();
  const [fault, setFault] = useState<unknown>(null);
  const containers = useInfiniteQuery(containersQuery({ nodeId: id }));
  if (!node) {
    return (
      <Page title={words.node}>
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
  const target = { node: id, cluster: node.cluster_id };
  return (
    <Page
      title={node.name}
      aside={
        <span className="inline-flex items-center gap-2 text-sm text-muted">
          <NodeBadge state={node.state} />
          <Age at={node.since} bare />
        </span>
      }
      actions={<NodeBar node={node} onError={setFault} />}
    >
      {fault !== null && <Fault error={fault} />}
      <DrainNote node={node} />
      <KeptAway node={node} />
      <div className="grid items-start gap-4 lg:grid-cols-[1fr_22rem]">
        <div className="min-w-0 space-y-4">
          <NodeLife node={node} />
          {may("node.health.view", target) && <LinkHistory node={node} />}
          <List
            title={words.onIt}
            query={containers}
            empty={
              <Empty
                title={words.noneOnIt}
                action={
                  may("container.create", { node: id, cluster: node.cluster_id }) && (
                    <Link to="/containers/new" className={buttonClass()}>
                      <Plus aria-hidden className="size-4" />
                      {containersWords.create}
                    </Link>
                  )
                }
              >
                {words.noneOnItHint}
              </Empty>
            }
          >
            {(items, more) => <ContainerTable containers={items} more={more} hideNode />}
          </List>
          <NodeEvents
            node={node}
            may={{
              jobs: may("job.view", target),
              health: may("node.health.view", target),
              audit: may("audit.view"),
            }}
          />
        </div>
        <NodeFacts node={node} />
      </div>
    </Page>
  );
}
