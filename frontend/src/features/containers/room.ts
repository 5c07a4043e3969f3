/** What the fleet has room for, before the controller is asked. Pure. */
import { type Lack, lackOf, lackText } from "@/api/room";
import type { Cluster, Node, Resources } from "@/api/types";
import { formatBytes, formatCores, parseBytes } from "@/lib/quantity";
import { create } from "@/strings/create";

const words = create.room;

/** What a new container asks of a node. */
export interface Want {
  resources: Resources;
  /** That two copies of it never run at a time, which some clusters cannot promise. */
  exclusive: boolean;
}

type Reason = Lack | "profile";

export interface Place {
  node: Node;
  /** Why Lormas would not choose it by itself, or nothing. */
  lack: Reason | null;
  /** Why it cannot even be asked for by name, or nothing. */
  refusal: string;
}

/** The nodes of a cluster, or those of none. */
export interface Group {
  id: string;
  name: string;
  places: Place[];
  fitting: number;
}

/** All nodes by cluster; those that have room first. */
export function groupsOf(want: Want, nodes: Node[], clusters: Cluster[]): Group[] {
  const members = new Map<string, Node[]>(clusters.map(({ id }) => [id, []]));
  const others: Node[] = [];
  for (const node of nodes) (members.get(node.cluster_id ?? "") ?? others).push(node);
  const groups = clusters.map((c) => groupOf(want, members.get(c.id) ?? [], c.name, c));
  const rest = groupOf(want, others, clusters.length > 0 ? words.noCluster : words.nodes);
  return [...groups, rest].filter(({ places }) => places.length > 0);
}

/** Of a cluster, or of those that are in none. */
function groupOf(want: Want, nodes: Node[], name: string, cluster?: Cluster): Group {
  const places = nodes
    .map((node) => placeOf(want, node, cluster))
    .sort((a, b) => Number(!!a.lack) - Number(!!b.lack) || a.node.name.localeCompare(b.node.name));
  return { id: cluster?.id ?? "", name, places, fitting: places.filter((p) => !p.lack).length };
}

function placeOf({ resources, exclusive }: Want, node: Node, cluster: Cluster | undefined): Place {
  const profile = exclusive && cluster?.exclusive === false ? "profile" : null;
  const byName = profile ?? lackOf(resources, node, { byName: true });
  const lack = profile ?? lackOf(resources, node);
  return { node, lack, refusal: byName ? textOf(byName, node) : "" };
}

const textOf = (why: Reason, node: Node) => (why === "profile" ? words.profile : lackText(why, node));

/** Why no node can take it, in counts; or why the one that was asked for cannot. */
export function refusalOf(want: Want, groups: Group[], nodeId: string): string {
  const places = groups.flatMap((group) => group.places);
  const chosen = places.find(({ node }) => node.id === nodeId);
  if (chosen) return chosen.refusal && words.refused(chosen.node.name, chosen.refusal);
  if (places.some(({ lack }) => !lack)) return "";
  const reasons = new Set(places.flatMap(({ lack }) => lack ?? []));
  const counts = [...reasons].map((why) => countOf(why, places, want));
  return counts.length > 0 ? words.nowhere(places.length, counts.join(", ")) : words.noNodes;
}

function countOf(why: Reason, places: Place[], { resources }: Want): string {
  const those = places.filter(({ lack }) => lack === why).map(({ node }) => node);
  const count = words.counts[why](those.length);
  if (why === "cpu")
    return words.largest(count, resources.cpu, formatCores(Math.max(...those.map((n) => n.capacity.cpu))));
  if (why !== "memory" && why !== "disk") return count;
  const free = Math.max(...those.map((n) => parseBytes(n.capacity[why]) ?? 0));
  return words.largest(count, resources[why], formatBytes(free));
}
