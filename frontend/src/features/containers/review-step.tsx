import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { useNodes } from "@/api/nodes";
import { clustersQuery, itemsOf } from "@/api/queries";
import type { Egg } from "@/api/types";
import { useMay } from "@/components/may";
import { strings } from "@/strings";
import { containers as containersWords } from "@/strings/containers";
import { create as words } from "@/strings/create";
import { moves as movesWords } from "@/strings/moves";
import { Facts, Panel } from "@/ui/panel";
import { type CreateValues, ownPortsOf, type Step, startupsOf, titleOf, variablesOf } from "./form";
import { useStepLink } from "./steps";
import { allVolumes, volumeText } from "./volumes";

interface ReviewProps {
  values: CreateValues;
  egg: Egg;
  all: Step[];
}

/** All that was asked for, before it is sent. */
export function ReviewStep({ values, egg, all }: ReviewProps) {
  const may = useMay();
  const nodes = itemsOf(useNodes({ enabled: may("node.view") }).data);
  const clusters = itemsOf(useInfiniteQuery({ ...clustersQuery(), enabled: may("cluster.view") }).data);
  const { resources, nodeId, preferred_cluster_id } = values;
  const node = nodes.find(({ id }) => id === nodeId)?.name;
  const cluster = clusters.find(({ id }) => id === preferred_cluster_id)?.name;
  const facts: Record<Exclude<Step, "review">, Array<[string, ReactNode]>> = {
    egg: [
      [containersWords.name, bdi(values.name.trim())],
      [words.egg, bdi(egg.name)],
      [words.image, values.image],
      ...optional(words.startup, startupsOf(egg).length > 0 && values.startup),
      ...optional(containersWords.owner, values.owner.id && bdi(values.owner.typed)),
      ...optional(containersWords.group, values.group.trim() && bdi(values.group.trim())),
    ],
    variables: variablesOf(egg).map((v) => [titleOf(v), shownOf(values.environment[v.env], v.user_viewable)]),
    resources: [
      [containersWords.cpu, `${resources.cpu} ${strings.cores}`],
      [containersWords.memory, resources.memory],
      [containersWords.disk, resources.disk],
      [words.node, values.nodeId ? bdi(node ?? values.nodeId) : words.automatic],
    ],
    ports: [
      [containersWords.ports, portsText(values, egg)],
      [
        containersWords.volumes,
        <VolumeList key="volumes" texts={allVolumes(values.volumes, egg).map(volumeText)} />,
      ],
    ],
    availability: values.ha
      ? [
          [movesWords.type, words.moves],
          [words.policy, words.policies[values.ha_policy]],
          [
            words.cluster,
            values.preferred_cluster_id ? bdi(cluster ?? values.preferred_cluster_id) : words.anyCluster,
          ],
        ]
      : [[movesWords.type, words.stays]],
  };
  const asked = all.filter((step) => step !== "review");
  return asked.map((step) => (
    <Panel key={step} title={words.steps[step]} aside={<Change step={step} />}>
      <Facts items={facts[step]} />
    </Panel>
  ));
}

/** Not worth a line where it was left alone. */
const optional = (name: string, value: ReactNode): Array<[string, ReactNode]> =>
  value ? [[name, value]] : [];

const bdi = (text: string) => <bdi>{text}</bdi>;

function shownOf(value: string | undefined, shown: boolean): ReactNode {
  if (!value) return words.blank;
  return shown ? <code className="break-all">{value}</code> : "••••••";
}

function portsText({ ports }: CreateValues, egg: Egg): string {
  if (ports.length === 0) return ownPortsOf(egg);
  return ports
    .map(({ host, container, protocol }) => `${host || words.auto} → ${container}/${protocol}`)
    .join(", ");
}

function VolumeList({ texts }: { texts: string[] }) {
  if (texts.length === 0) return "–";
  return (
    <ul className="break-all">
      {texts.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}

function Change({ step }: { step: Step }) {
  const to = useStepLink();
  return (
    <Link to={to(step)} className="text-sm text-accent-text hover:underline">
      {words.change(words.steps[step])}
    </Link>
  );
}
