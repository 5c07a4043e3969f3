import { useMutation, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import { api } from "@/api/endpoints";
import { reasonOf } from "@/api/merge";
import type { NodeName } from "@/api/nodes";
import { eggQuery, nodeQuery } from "@/api/queries";
import type { Container, Observed } from "@/api/types";
import { Age } from "@/components/age";
import { Fault } from "@/components/fault";
import { nodeStateWords, powerWords, strings } from "@/strings";
import { containers as words } from "@/strings/containers";
import { Button } from "@/ui/button";
import { Note } from "@/ui/note";
import { Facts, Panel } from "@/ui/panel";
import { Owner } from "./owner";
import { PortList } from "./ports";
import { outlookOf, reachable } from "./verbs";
import { useWish } from "./wishes";

/** What stands between what it is and what it should be, and why. */
export function OutlookNote({ container, node }: { container: Container; node: NodeName | undefined }) {
  const outlook = outlookOf(container, node?.state, useWish(container.id));
  const why = reasonOf(container);
  const reason = why && <p className="text-ink">{why}</p>;
  switch (outlook.kind) {
    case "queued":
      return (
        <Note look="queued">
          {words.queued(powerWords[outlook.want], node?.name ?? "", node ? nodeStateWords[node.state] : "")}
          {reason}
        </Note>
      );
    case "retrying":
      return (
        <Note look="bad">
          {reason}
          <p className="text-sm">{words.retrying}</p>
        </Note>
      );
    case "asking":
      return <Note look="info">{words.askingText(powerWords[outlook.want])}</Note>;
    case "working":
      return (
        <Note look="info">
          {words.working(powerWords[outlook.want])}
          {reason}
        </Note>
      );
    case "settled":
      return why ? <Note look="info">{why}</Note> : null;
  }
}

/** How old all of it is, while its node says nothing. */
export function AsOf({ node }: { node: NodeName | undefined }) {
  const silent = node !== undefined && !reachable(node.state);
  const { data } = useQuery({ ...nodeQuery(node?.id ?? ""), enabled: silent });
  if (!silent || !data) return null;
  return (
    <Note look="warn">
      {words.asOf(node.name, nodeStateWords[node.state])}{" "}
      {data.lastHeartbeat ? <Age at={data.lastHeartbeat} /> : words.asOfNever}
    </Note>
  );
}

interface FactsProps {
  container: Container;
  node: NodeName | undefined;
  /** Changes it. */
  change: ReactNode;
  mayAssign: boolean;
}

export function ContainerFacts({ container: c, node, change, mayAssign }: FactsProps) {
  const { data: egg } = useQuery(eggQuery(c.eggId));
  const { observed } = c;
  return (
    <Panel title={words.facts} aside={change}>
      <Facts
        items={[
          [
            words.node,
            node && (
              <Link key="node" to={`/nodes/${node.id}`} className="text-accent-text hover:underline">
                {node.name}
              </Link>
            ),
          ],
          [words.ports, c.ports.length > 0 && <PortList key="ports" ports={c.ports} />],
          [
            words.image,
            <code key="image" className="text-sm break-all">
              {c.image}
            </code>,
          ],
          [
            words.egg,
            egg && (
              <Link key="egg" to={`/eggs/${egg.id}`} className="text-accent-text hover:underline">
                {egg.name}
              </Link>
            ),
          ],
          [words.owner, <Owner key="owner" container={c} mayAssign={mayAssign} />],
          [words.group, c.group],
          [words.cpu, `${c.resources.cpu} ${strings.cores}`],
          [words.memory, c.resources.memory],
          [words.disk, c.resources.disk],
          [words.volumes, c.volumes.length > 0 && <Volumes key="volumes" container={c} />],
          [words.place, words.placeText(c.epoch, c.generation)],
          [words.started, observed?.startedAt && <Age key="started" at={observed.startedAt} />],
          [words.restartsLabel, observed?.restarts],
          [words.lastExit, observed?.exitCode !== undefined && exitText(observed)],
          [words.created, <Age key="created" at={c.createdAt} />],
        ]}
      />
    </Panel>
  );
}

function exitText({ exitCode, oom }: Observed): string {
  return `${exitCode}${oom ? `, ${words.oom}` : ""}`;
}

function Volumes({ container }: { container: Container }) {
  return (
    <ul className="font-mono text-sm break-all">
      {container.volumes.map((v) => (
        <li key={v.container}>
          {v.host} <span className="text-muted">→ {v.container}</span>
        </li>
      ))}
    </ul>
  );
}

interface EnvironmentProps {
  container: Container;
  change?: ReactNode;
  /** Whether one may see what is secret; who does is in the audit trail. */
  maySecrets: boolean;
}

/** Values may be secrets: they are shown when asked for. */
export function Environment({ container, change, maySecrets }: EnvironmentProps) {
  const [shown, setShown] = useState(false);
  const reveal = useMutation({ mutationFn: () => api.containers.secrets(container.id) });
  const secrets = reveal.data?.secrets ?? {};
  const values = { ...container.environment, ...secrets };
  const names = [...Object.keys(container.environment), ...container.secrets].sort();
  const textOf = (name: string) => {
    if (container.secrets.includes(name)) return secrets[name] ?? `•••••• (${words.secretNames})`;
    return shown ? values[name] || "–" : "••••••";
  };
  return (
    <Panel
      title={words.environment}
      aside={
        <div className="flex flex-wrap items-center justify-end">
          {maySecrets && container.secrets.length > 0 && !reveal.data && (
            <Button look="quiet" busy={reveal.isPending} onClick={() => reveal.mutate()}>
              {words.showSecrets}
            </Button>
          )}
          {Object.keys(container.environment).length > 0 && (
            <Button look="quiet" aria-pressed={shown} onClick={() => setShown(!shown)}>
              {shown ? words.hide : words.show}
            </Button>
          )}
          {change}
        </div>
      }
    >
      {reveal.error && <Fault error={reveal.error} className="m-4" />}
      {names.length === 0 ? (
        <p className="p-4 text-muted">{words.noEnvironment}</p>
      ) : (
        <dl className="divide-y divide-line font-mono text-sm">
          {names.map((name) => (
            <div key={name} className="grid gap-x-4 px-4 py-2 sm:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]">
              <dt className="break-all text-muted">{name}</dt>
              <dd className="min-w-0 break-all">{textOf(name)}</dd>
            </div>
          ))}
        </dl>
      )}
    </Panel>
  );
}
