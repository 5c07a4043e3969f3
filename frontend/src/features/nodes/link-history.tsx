import { useQuery } from "@tanstack/react-query";
import { nodeHealthQuery } from "@/api/queries";
import type { Node } from "@/api/types";
import { Fault } from "@/components/fault";
import { cx } from "@/lib/cx";
import { formatClock, formatDuration } from "@/lib/time";
import { useNow } from "@/lib/use-now";
import type { NodeState } from "@/live/wire";
import { nodeStateWords, strings } from "@/strings";
import { Panel } from "@/ui/panel";
import { BeatStrip } from "./beat-strip";
import { type Stretch, stretchesOf } from "./strip";

const words = strings.fleet;
const spanMs = 6 * 3_600_000;

/** Height as well as colour: trouble stands out for those who see no red. */
const faces: Record<NodeState, string> = {
  joining: "h-2 bg-line",
  healthy: "h-3 bg-ok",
  suspect: "h-6 bg-warn",
  unhealthy: "h-8 bg-bad",
  returning: "h-6 bg-busy",
};

/** How its link was: one sees flapping, and every heartbeat that is missed. */
export function LinkHistory({ node }: { node: Node }) {
  const { data, error, refetch } = useQuery(nodeHealthQuery(node));
  const now = useNow();
  if (error && !data) return <Fault error={error} onRetry={refetch} />;
  const transitions = data?.transitions ?? [];
  const { next, nextAt, held } = data?.outlook ?? {};
  return (
    <Panel title={words.link} aside={<span className="text-xs text-muted">{words.linkHours}</span>}>
      <div className="space-y-3 p-4">
        <Strip stretches={stretchesOf(transitions, node.state, now, spanMs)} />
        {node.state !== "healthy" && next && nextAt && (
          <p className="text-sm text-warn">
            {words.next(nodeStateWords[next], formatClock(Date.parse(nextAt)))} {held}
          </p>
        )}
        {transitions.length === 0 && <p className="text-sm text-muted">{words.calm}</p>}
        {data && <BeatStrip node={node} every={data.profile.heartbeat} />}
      </div>
    </Panel>
  );
}

function Strip({ stretches }: { stretches: Stretch[] }) {
  const text = stretches
    .map(({ state, share }) => `${nodeStateWords[state]} ${formatDuration((share * spanMs) / 1000)}`)
    .join(", ");
  return (
    <div role="img" aria-label={words.linkText(text)} className="flex h-8 items-end overflow-hidden rounded">
      {stretches.map(({ state, share }, i) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: stretches have no name but their place
          key={i}
          title={nodeStateWords[state]}
          className={cx("min-w-0.5", faces[state])}
          style={{ width: `${share * 100}%` }}
        />
      ))}
    </div>
  );
}
