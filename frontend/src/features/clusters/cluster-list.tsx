import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
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
import { IconButton } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { filterBox } from "@/ui/filter";
import { Empty } from "@/ui/panel";

const words = strings.clusters;

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
    mutationFn: (node: string) => api.nodes.moveTo(node, cluster.id),
    onSettled: reread,
  });
  const { name, description, window, outage_policy, profile } = cluster;
  const error = remove.error ?? put.error;
  return (
    <li className="space-y-2 px-4 py-3">
      <div className="flex items-start justify-between gap-3">
        <div className="min-w-0">
          <h2 className="font-medium break-words">{name}</h2>
          {description && <p className="text-sm break-words text-muted">{description}</p>}
          <p className="text-xs text-muted">
            {profile}: {words.window(window)} · {words.outage}: {words.outages[outage_policy]}
          </p>
        </div>
        {may("cluster.delete", { cluster: cluster.id }) && (
          <IconButton icon={Trash2} label={words.removeOf(name)} onClick={() => setAsking(true)} />
        )}
      </div>
      <Members
        cluster={cluster}
        nodes={nodes}
        others={nodes.filter(
          (n) => n.cluster_id !== cluster.id && may("node.edit", { node: n.id, cluster: n.cluster_id }),
        )}
        onPut={put.mutate}
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
  /** Those that may be put in it. */
  others: Node[];
  onPut: (node: string) => void;
}

function Members({ cluster, nodes, others, onPut }: MembersProps) {
  const members = nodes.filter((n) => n.cluster_id === cluster.id);
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2 text-sm">
      {members.length === 0 && <span className="text-muted">{words.noNodes}</span>}
      {members.map(({ id, name, state }) => (
        <span key={id} className="inline-flex items-center gap-1.5">
          <Link to={`/nodes/${id}`} className="hover:underline">
            {name}
          </Link>
          <NodeBadge state={state} />
        </span>
      ))}
      {others.length > 0 && (
        <select
          aria-label={words.putNode(cluster.name)}
          value=""
          onChange={(event) => onPut(event.target.value)}
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
