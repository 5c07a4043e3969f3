import type { Node } from "@/api/types";
import { Age } from "@/components/age";
import { formatDuration } from "@/lib/time";
import { strings } from "@/strings";
import { CopyButton } from "@/ui/copy";
import { Note } from "@/ui/note";
import { Facts, Panel } from "@/ui/panel";
import { textOf } from "./labels";
import { poolsText } from "./pools";
import { UsageBars } from "./usage";

const words = strings.nodes;

/** How it is, why, and how busy. */
export function NodeLife({ node }: { node: Node }) {
  return (
    <>
      {node.state !== "healthy" && node.reason && (
        <Note look={node.state === "unhealthy" ? "bad" : "warn"}>
          <span className="text-ink">
            {node.reason} · <Age at={node.since} />
          </span>
        </Note>
      )}
      <Panel title={words.usage}>
        <div className="p-4">
          <UsageBars node={node} spell />
        </div>
      </Panel>
    </>
  );
}

export function NodeFacts({ node }: { node: Node }) {
  return (
    <Panel title={words.facts}>
      <Facts
        items={[
          [
            words.heartbeat,
            node.lastHeartbeat ? <Age key="heartbeat" at={node.lastHeartbeat} /> : words.never,
          ],
          [words.hostname, node.hostname],
          [words.agent, node.agentVersion],
          [words.docker, node.dockerVersion],
          [words.arch, node.arch],
          [words.uptime, node.live && formatDuration(node.live.uptimeSeconds)],
          [words.free, amounts(node.capacity)],
          [words.reserved, amounts(node.reserved)],
          [words.description, node.description],
          [strings.fleet.labels, linesIn(textOf(node.labels))],
          [strings.fleet.pools, linesIn(poolsText(node.portPools))],
          [
            words.id,
            <span key="id" className="inline-flex items-center gap-1 font-mono text-sm break-all">
              {node.id}
              <CopyButton bare text={node.id} />
            </span>,
          ],
        ]}
      />
    </Panel>
  );
}

function amounts({ cpu, memory, disk }: Node["capacity"]): string {
  return `${cpu} ${strings.cores}, ${memory}, ${disk}`;
}

const linesIn = (text: string) => text && <span className="break-words whitespace-pre-line">{text}</span>;
