/** What of a container can be changed, as it is typed, and what to send of it. Pure. */
import type { Container, ContainerEdit, Port } from "@/api/types";
import { beforeColon, ipOf } from "@/lib/address";
import { linesOf } from "@/lib/lines";

export interface Spec {
  resources: { cpu: string; memory: string; disk: string };
  image: string;
  type: Container["type"];
  ha_policy: "" | NonNullable<Container["ha_policy"]>;
  preferred_cluster_id: string;
  group: string;
  ports: string;
}

export const specOf = (c: Container): Spec => ({
  resources: { cpu: String(c.resources.cpu), memory: c.resources.memory, disk: c.resources.disk },
  image: c.image,
  type: c.type,
  ha_policy: c.ha_policy ?? "",
  preferred_cluster_id: c.preferred_cluster_id ?? "",
  group: c.group ?? "",
  ports: c.ports.map(portText).join("\n"),
});

/** Only what was changed; null where nothing was. What only moves containers is left out of others. */
export function changesOf(before: Spec, typed: Spec): ContainerEdit | null {
  const { resources, image, type, ha_policy, preferred_cluster_id, group, ports } = typed;
  const edit: ContainerEdit = {
    ...(differs(resources, before.resources) && { resources: { ...resources, cpu: Number(resources.cpu) } }),
    ...(image !== before.image && { image }),
    ...(type !== before.type && { type }),
    ...(type === "ha" && ha_policy && ha_policy !== before.ha_policy && { ha_policy }),
    ...(type === "ha" && preferred_cluster_id !== before.preferred_cluster_id && { preferred_cluster_id }),
    ...(ports.trim() !== before.ports && { ports: linesOf(ports).map(portOf) }),
    ...(group.trim() !== before.group && { group: group.trim() }),
  };
  return Object.keys(edit).length > 0 ? edit : null;
}

const differs = (a: Spec["resources"], b: Spec["resources"]): boolean =>
  a.cpu !== b.cpu || a.memory !== b.memory || a.disk !== b.disk;

/** As Docker writes it, and the CLI. What is left out, such as a protocol, is for the egg to say. */
const portLine = /^(?:(.+):)?(\d{1,5}):(\d{1,5})(?:\/(tcp|udp|both))?$/;

const portText = ({ ip, host, container, protocol }: Port): string =>
  `${beforeColon(ip)}${host}:${container}/${protocol}`;

/** The first line that is no port. */
export const badPort = (text: string): string | undefined =>
  linesOf(text).find((line) => !portLine.test(line));

function portOf(line: string): NonNullable<ContainerEdit["ports"]>[number] {
  const [, ip, host, container, protocol] = portLine.exec(line) ?? [];
  return {
    ...ipOf(ip),
    host: Number(host),
    container: Number(container),
    ...(protocol && { protocol: protocol as "tcp" | "udp" | "both" }),
  };
}
