import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Trash2, X } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { api } from "@/api/endpoints";
import { useNodes } from "@/api/nodes";
import { clustersQuery, itemsOf, keys } from "@/api/queries";
import type { Cluster, Node } from "@/api/types";
import { Fault } from "@/components/fault";
import { List } from "@/components/list";
import { useMay } from "@/components/may";
import { NodeBadge } from "@/components/states";
import { strings } from "@/strings";
import { clusters as words } from "@/strings/clusters";
import { IconButton } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { filterBox } from "@/ui/filter";
import { Empty } from "@/ui/panel";
import { EditCluster } from "./cluster-form";

export function ClusterList() {
  const nodes = itemsOf(useNodes().data);
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

function Row({ cluster, nodes }: { cluster: Cluster; nodes: Node[] }) {
  const client = useQueryClient();
  const may = useMay();
  const [asking, setAsking] = useState(false);
  const reread = () =>
    Promise.all([keys.clusters, keys.nodes].map((queryKey) => client.invalidateQueries({ queryKey })));
  const remove = useMutation({ mutationFn: () => api.clusters.remove(cluster.id), onSettled: reread });
  const put = useMutation({
    mutationFn: ({ node, into }: { node: Node; into: string }) => api.nodes.moveTo(node, into),
    onSettled: reread,
  });
  const mayMove = (n: Node) => may("node.edit", { node: n.id, cluster: n.cluster_id });
  const { name, description, window, outage_policy, outage_after, profile } = cluster;
  const error = remove.error ?? put.error;
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
      <Members
        cluster={cluster}
        nodes={nodes}
        mayMove={mayMove}
        onPut={(node) => put.mutate({ node, into: cluster.id })}
        onTake={(node) => put.mutate({ node, into: "" })}
      />
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
  nodes: Node[];
  mayMove: (node: Node) => boolean;
  onPut: (node: Node) => void;
  onTake: (node: Node) => void;
}

function Members({ cluster, nodes, mayMove, onPut, onTake }: MembersProps) {
  const members = nodes.filter((n) => n.cluster_id === cluster.id);
  const others = nodes.filter((n) => n.cluster_id !== cluster.id && mayMove(n));
  const put = (id: string) => {
    const node = others.find((n) => n.id === id);
    if (node) onPut(node);
  };
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2 text-sm">
      {members.length === 0 && <span className="text-muted">{words.noNodes}</span>}
      {members.map((node) => (
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
      {others.length > 0 && (
        <select
          aria-label={words.putNode(cluster.name)}
          value=""
          onChange={(event) => put(event.target.value)}
          className={filterBox}
        >
          <option value="">{words.choose}</option>
          {others.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}
