/** The create form's values, and the request they become. Pure. */
import type { ContainerCreate, Egg, EggVariable } from "@/api/types";
import { parseBytes } from "@/lib/quantity";
import { strings } from "@/strings";
import { complaintOf } from "./rules";

const words = strings.create;

export interface CreateValues {
  name: string;
  eggId: string;
  image: string;
  nodeId: string;
  ha: boolean;
  ha_policy: "" | "available" | "exclusive";
  preferred_cluster_id: string;
  resources: { cpu: string; memory: string; disk: string };
  environment: Record<string, string>;
  ports: Array<{ host: string; container: string; protocol: "tcp" | "udp" }>;
}

export const blank: CreateValues = {
  name: "",
  eggId: "",
  image: "",
  nodeId: "",
  ha: false,
  ha_policy: "",
  preferred_cluster_id: "",
  resources: { cpu: "0.5", memory: "512m", disk: "1g" },
  environment: {},
  ports: [],
};

/** What the form asks for a new choice of egg: its own defaults. */
export function defaultsOf(egg: Egg | undefined): Pick<CreateValues, "image" | "environment"> {
  const editable = (egg?.variables ?? []).filter((v) => v.user_editable);
  return {
    image: egg?.images[0]?.name ?? "",
    environment: Object.fromEntries(editable.map((v) => [v.env, v.default])),
  };
}

/** The request. What is left as the egg has it is not sent. */
export function requestOf(values: CreateValues, egg: Egg): ContainerCreate {
  const { name, eggId, nodeId, image, resources } = values;
  const own = defaultsOf(egg).environment;
  const changed = Object.entries(values.environment).filter(
    ([env, value]) => env in own && own[env] !== value,
  );
  const ports = values.ports.map(({ host, container, protocol }) => ({
    container: Number(container),
    protocol,
    ...(host && { host: Number(host) }),
  }));
  return {
    name: name.trim(),
    eggId,
    ...availabilityOf(values),
    resources: { ...resources, cpu: Number(resources.cpu) },
    environment: Object.fromEntries(changed),
    ...(nodeId && { nodeId }),
    ...(image && image !== egg.images[0]?.name && { image }),
    ...(ports.length > 0 && { ports }),
  };
}

/** A policy and a cluster are of ha containers only: what was chosen before the switch went off is not sent. */
function availabilityOf({ ha, ha_policy, preferred_cluster_id }: CreateValues) {
  if (!ha) return { type: "standard" as const };
  return {
    type: "ha" as const,
    ...(ha_policy && { ha_policy }),
    ...(preferred_cluster_id && { preferred_cluster_id }),
  };
}

// What can be told before asking the controller, which has the last word.
export const check = {
  name: (text: string) => Boolean(text.trim()) || words.needName,
  egg: (id: string) => Boolean(id) || words.needEgg,
  cpu: (text: string) => Number(text) > 0 || words.needCpu,
  size: (text: string) => parseBytes(text) !== null || words.needSize,
  port: (text: string) => isPort(text) || words.needPort,
  portOrNone: (text: string) => !text || isPort(text) || words.needPort,
  variable: (v: EggVariable) => (text: string) => {
    const complaint = complaintOf(v.rules ?? [], text);
    return !complaint || `${v.name || v.env}: ${complaint}`;
  },
};

function isPort(text: string): boolean {
  const port = Number(text);
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/** Whether the form has a field for this path of a fault. */
export function hasField(values: CreateValues, path: string): boolean {
  const [head = "", second = "", third] = path.split(".");
  if (head === "environment") return second in values.environment;
  if (head === "resources") return second in values.resources;
  if (head === "ports") return third !== undefined && third in (values.ports[Number(second)] ?? {});
  return [
    "name",
    "eggId",
    "nodeId",
    "image",
    ...(values.ha ? ["ha_policy", "preferred_cluster_id"] : []),
  ].includes(path);
}
