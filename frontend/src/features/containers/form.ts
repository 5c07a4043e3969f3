/** The create wizard's values, its steps, and the request they become. Pure. */
import * as z from "zod/mini";
import type { ContainerCreate, Egg, EggStartup, EggVariable } from "@/api/types";
import { isName, quoted } from "@/lib/names";
import { parseBytes } from "@/lib/quantity";
import { strings } from "@/strings";
import { create as words } from "@/strings/create";
import { schemaOf } from "./rules";
import { faultOfVolumes, volumesOf } from "./volumes";

export interface CreateValues {
  name: string;
  eggId: string;
  image: string;
  startup: string;
  /** Somebody, and what was typed to find him. */
  owner: { id: string; typed: string };
  group: string;
  nodeId: string;
  ha: boolean;
  ha_policy: "" | "available" | "exclusive";
  preferred_cluster_id: string;
  resources: { cpu: string; memory: string; disk: string };
  environment: Record<string, string>;
  ports: Array<{ host: string; container: string; protocol: "tcp" | "udp" | "both" }>;
  /** One on each line. */
  volumes: string;
}

export const blank: CreateValues = {
  name: "",
  eggId: "",
  image: "",
  startup: "",
  owner: { id: "", typed: "" },
  group: "",
  nodeId: "",
  ha: false,
  ha_policy: "",
  preferred_cluster_id: "",
  resources: { cpu: "0.5", memory: "512m", disk: "1g" },
  environment: {},
  ports: [],
  volumes: "",
};

/** What may be set of an egg. */
export const variablesOf = (egg: Egg | undefined): EggVariable[] =>
  (egg?.variables ?? []).filter((v) => v.user_editable);

export const titleOf = ({ name, env }: EggVariable): string => name || env;

/** The ports that an egg publishes where none are asked for. */
export const ownPortsOf = (egg: Egg | undefined): string =>
  (egg?.ports ?? []).map(({ container, protocol = "tcp" }) => `${container}/${protocol}`).join(", ");

/** The egg's ways to start it, where there is a choice. */
export function startupsOf(egg: Egg | undefined): EggStartup[] {
  const all = egg?.startup_commands ?? [];
  return all.length > 1 ? all : [];
}

/** What the wizard asks for a new choice of egg: its own defaults. */
export function defaultsOf(egg: Egg | undefined): Pick<CreateValues, "image" | "startup" | "environment"> {
  return {
    image: egg?.images[0]?.name ?? "",
    startup: startupsOf(egg)[0]?.name ?? "",
    environment: Object.fromEntries(variablesOf(egg).map((v) => [v.env, v.default])),
  };
}

/** The request. What is left as the egg has it is not sent. */
export function requestOf(values: CreateValues, egg: Egg): ContainerCreate {
  const { name, eggId, nodeId, image, startup, owner, resources } = values;
  const own = defaultsOf(egg);
  const changed = Object.entries(values.environment).filter(
    ([env, value]) => env in own.environment && own.environment[env] !== value,
  );
  const group = values.group.trim();
  const volumes = volumesOf(values.volumes);
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
    ...(image && image !== own.image && { image }),
    ...(startup && startup !== own.startup && { startup }),
    ...(owner.id && { ownerId: owner.id }),
    ...(group && { group }),
    ...(ports.length > 0 && { ports }),
    ...(volumes.length > 0 && { volumes }),
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

export const steps = ["egg", "variables", "resources", "ports", "availability", "review"] as const;

export type Step = (typeof steps)[number];

/** The steps there are: none for what cannot be set. */
export function stepsFor(egg: Egg | undefined, mayMakeHa: boolean): Step[] {
  return steps.filter(
    (step) =>
      (step !== "variables" || !egg || variablesOf(egg).length > 0) && (step !== "availability" || mayMakeHa),
  );
}

export interface FieldFault {
  path: string;
  message: string;
}

/** What is wrong with what a step asked for, as far as that can be told before the controller is asked. */
export function faultsOf(step: Step, values: CreateValues, egg: Egg | undefined): FieldFault[] {
  const result = schemas[step](egg).safeParse(values);
  const issues = result.success ? [] : result.error.issues;
  return issues.map(({ path, message }) => ({ path: path.join("."), message }));
}

/** Where one is who wants to be at a step: no further than the first step that has faults. */
export function stepAt(wanted: string, all: Step[], values: CreateValues, egg: Egg | undefined): Step {
  const before = all.slice(0, Math.max(0, all.indexOf(wanted as Step)));
  const faulty = before.find((step) => faultsOf(step, values, egg).length > 0);
  return faulty ?? all[before.length] ?? "egg";
}

const text = (holds: (text: string) => boolean, error: string | ((text: string) => string)) =>
  z.refine<string>(holds, {
    error: typeof error === "string" ? error : ({ input }) => error(String(input)),
    abort: true,
  });

const size = z.string().check(text((t) => parseBytes(t) !== null, words.needSize));

const schemas: Record<Step, (egg: Egg | undefined) => z.ZodMiniType> = {
  egg: () =>
    z.object({
      eggId: z.string().check(text(Boolean, words.needEgg)),
      name: z.string().check(
        text((t) => t.trim() !== "", strings.needName),
        text(
          (t) => isName(t.trim()),
          (t) => words.badName(quoted(t.trim())),
        ),
      ),
      owner: z
        .object({ id: z.string(), typed: z.string() })
        .check(z.refine(({ id, typed }) => id !== "" || !typed.trim(), words.needOwner)),
      group: z.string().check(
        text(
          (t) => !t.trim() || isName(t.trim()),
          (t) => words.badGroup(quoted(t.trim())),
        ),
      ),
    }),
  variables: (egg) =>
    z.object({
      environment: z.object(
        Object.fromEntries(variablesOf(egg).map((v) => [v.env, schemaOf(v.rules ?? [], `${titleOf(v)}: `)])),
      ),
    }),
  resources: () =>
    z.object({
      resources: z.object({
        cpu: z.string().check(
          text((t) => Number(t) > 0, words.needCpu),
          text((t) => Number(t) >= 0.01, words.littleCpu),
        ),
        memory: size.check(text((t) => (parseBytes(t) ?? 0) >= 6 * 2 ** 20, words.littleMemory)),
        disk: size,
      }),
    }),
  ports: () =>
    z.object({
      ports: z.array(
        z.object({
          host: z.string().check(text((t) => !t || isPort(t), words.needPort)),
          container: z.string().check(text(isPort, words.needPort)),
        }),
      ),
      volumes: z.string().check(text((t) => !faultOfVolumes(t), faultOfVolumes)),
    }),
  availability: () => z.unknown(),
  review: () => z.unknown(),
};

function isPort(text: string): boolean {
  const port = Number(text);
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/** The step that asks for what a fault is about, or none. */
export function stepOf(path: string, values: CreateValues): Step | null {
  const [head = "", second = "", third = ""] = path.split(".");
  switch (head) {
    case "name":
    case "eggId":
    case "image":
    case "startup":
    case "ownerId":
    case "group":
      return "egg";
    case "environment":
      return second in values.environment ? "variables" : null;
    case "resources":
      return second in values.resources ? "resources" : null;
    case "nodeId":
      return "resources";
    case "ports":
      return third in (values.ports[Number(second)] ?? {}) ? "ports" : null;
    case "volumes":
      return "ports";
    case "ha_policy":
    case "preferred_cluster_id":
      return values.ha ? "availability" : null;
    default:
      return null;
  }
}

/** The field that shows what is wrong with a part of the request. */
export function fieldOf(path: string): string {
  if (path === "ownerId") return "owner";
  return path.startsWith("volumes.") ? "volumes" : path;
}
