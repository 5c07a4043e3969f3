import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Trash2, X } from "lucide-react";
import { useMemo, useState } from "react";
import { Link } from "react-router";
import { api } from "@/api/endpoints";
import { type NodeName, useNodeNames } from "@/api/nodes";
import { clustersQuery, keys } from "@/api/queries";
import type { Cluster } from "@/api/types";
import { Fault } from "@/components/fault";
import { List } from "@/components/list";
import { useMay } from "@/components/may";
import { NodeBadge } from "@/components/states";
import { strings } from "@/strings";
import { clusters as words } from "@/strings/clusters";
import { Button, IconButton } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { Empty } from "@/ui/panel";
import { EditCluster } from "./cluster-form";
import { PutNode, useMove } from "./put-node";

export function ClusterList() {
  const names = useNodeNames();
  const nodes = useMemo(() => [...names.values()], [names]);
  return (
    <List
      query={useInfiniteQuery(clustersQuery())}
      empty={<Empty title={words.emptyTitle}>{words.empty}</Empty>}
    >
      {(clusters) => (
        <ul className="divide-y divide-line">
          {clusters.map((cluster) => (
            <Row key={cluster.id} cluster={cluster} nodes={nodes} />
          ))}
        </ul>
      )}
    </List>
  );
}

function Row({ cluster, nodes }: { cluster: Cluster; nodes: NodeName[] }) {
  const client = useQueryClient();
  const may = useMay();
  const [asking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () => api.clusters.remove(cluster.id),
    onSettled: () => client.invalidateQueries({ queryKey: keys.clusters }),
  });
  const take = useMove("");
  const mayMove = (n: NodeName) => may("node.edit", { node: n.id, cluster: n.cluster_id });
  const { name, description, window, outage_policy, outage_after, profile } = cluster;
  const error = remove.error ?? take.error;
  return (
    <li className="space-y-2 px-4 py-3">
      <div className="flex items-start justify-between gap-3">
        <div className="min-w-0">
          <h2 className="font-medium break-words">{name}</h2>
          {description && <p className="text-sm break-words text-muted">{description}</p>}
          <p className="text-xs text-muted">
            {profile}: {words.window(window)} · {words.outage}: {words.outages[outage_policy]}
            {outage_after && ` (${outage_after})`}
          </p>
        </div>
        <div className="flex">
          {may("cluster.edit", { cluster: cluster.id }) && <EditCluster cluster={cluster} />}
          {may("cluster.delete", { cluster: cluster.id }) && (
            <IconButton icon={Trash2} label={words.removeOf(name)} onClick={() => setAsking(true)} />
          )}
        </div>
      </div>
      <Members cluster={cluster} nodes={nodes} mayMove={mayMove} onTake={({ id }) => take.mutate(id)} />
      {error && <Fault error={error} />}
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        onConfirm={() => remove.mutate()}
        title={words.removeTitle(name)}
        description={words.removeText}
        action={strings.remove}
      />
    </li>
  );
}

interface MembersProps {
  cluster: Cluster;
  nodes: NodeName[];
  mayMove: (node: NodeName) => boolean;
  onTake: (node: NodeName) => void;
}

/** More than this of one cluster are shown when asked for. */
const shownFirst = 20;

function Members({ cluster, nodes, mayMove, onTake }: MembersProps) {
  const [all, setAll] = useState(false);
  const members = nodes.filter((n) => n.cluster_id === cluster.id);
  const shown = all ? members : members.slice(0, shownFirst);
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2 text-sm">
      {members.length === 0 && <span className="text-muted">{words.noNodes}</span>}
      {shown.map((node) => (
        <span key={node.id} className="inline-flex items-center gap-1.5">
          <Link to={`/nodes/${node.id}`} className="hover:underline">
            {node.name}
          </Link>
          <NodeBadge state={node.state} />
          {mayMove(node) && (
            <IconButton
              icon={X}
              label={words.takeOut(node.name, cluster.name)}
              onClick={() => onTake(node)}
            />
          )}
        </span>
      ))}
      {shown.length < members.length && (
        <Button look="quiet" onClick={() => setAll(true)}>
          {words.showAll(members.length)}
        </Button>
      )}
      {nodes.some((n) => n.cluster_id !== cluster.id && mayMove(n)) && <PutNode cluster={cluster} />}
    </div>
  );
}
