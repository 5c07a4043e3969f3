import { useInfiniteQuery } from "@tanstack/react-query";
import { useNodes } from "@/api/nodes";
import { clustersQuery, itemsOf } from "@/api/queries";
import { useMay } from "@/components/may";
import { type Group, groupsOf, refusalOf, type Want } from "./room";
import type { CreateForm } from "./use-wizard";

/** The nodes that one may make containers on, and why none can take what is asked for. */
export function useRoom(form: CreateForm): { groups: Group[]; refusal: string } {
  const may = useMay();
  const maySee = may("node.view");
  const nodes = useNodes({ enabled: maySee, refetchOnMount: "always" });
  const clusters = useInfiniteQuery({ ...clustersQuery(), enabled: may("cluster.view") });
  const [{ cpu, memory, disk }, ha, policy, nodeId] = form.watch(["resources", "ha", "ha_policy", "nodeId"]);
  const verbs = ["container.create", ...(form.watch("owner.id") ? ["container.assign"] : [])];
  const want: Want = {
    resources: { cpu: Number(cpu), memory, disk },
    exclusive: ha && policy === "exclusive",
  };
  const mine = itemsOf(nodes.data).filter((n) =>
    verbs.every((verb) => may(verb, { node: n.id, cluster: n.cluster_id })),
  );
  const groups = groupsOf(want, mine, itemsOf(clusters.data));
  const knowsAll = nodes.data !== undefined && !nodes.hasNextPage;
  return { groups, refusal: knowsAll || nodeId ? refusalOf(want, groups, nodeId) : "" };
}
