/** What is typed about a cluster, and what is asked for with it. Pure. */
import type { Cluster, ClusterCreate } from "@/api/types";

export interface Values {
  name: string;
  description: string;
  profile: Cluster["profile"];
  window: string; // counts with the profile custom only
  outage_policy: Cluster["outage_policy"];
  outage_after: string; // counts with failover_after only
}

export const blank: Values = {
  name: "",
  description: "",
  profile: "standard",
  window: "",
  outage_policy: "failover",
  outage_after: "",
};

export const valuesOf = (cluster: Cluster): Values => ({
  name: cluster.name,
  description: cluster.description,
  profile: cluster.profile,
  window: cluster.window,
  outage_policy: cluster.outage_policy,
  outage_after: cluster.outage_after ?? "",
});

export function requestOf({ window, outage_after, ...rest }: Values): ClusterCreate {
  return {
    ...rest,
    ...(rest.profile === "custom" && { window: window.trim() }),
    ...(rest.outage_policy === "failover_after" && { outage_after: outage_after.trim() }),
  };
}
