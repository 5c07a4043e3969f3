import type { Node } from "@/api/types";
import { cx } from "@/lib/cx";
import { formatBytesOf, formatCores, parseBytes, share } from "@/lib/quantity";
import { strings } from "@/strings";
import { Meter } from "@/ui/meter";

const words = strings.nodes;

interface Bar {
  label: string;
  value: number | null;
  text: string;
}

/** What the whole machine uses, of what it gives to containers. */
function barsOf({ live, offer }: Node): Bar[] {
  const cpu = live?.usage.cpu ?? null;
  return [
    {
      label: words.cpu,
      value: cpu === null ? null : share(cpu, offer.cpu),
      text: cpu === null ? "" : words.cores(formatCores(cpu), formatCores(offer.cpu)),
    },
    bytesBar(words.memory, live?.usage.memory, offer.memory),
    bytesBar(words.disk, live?.usage.disk, offer.disk),
  ];
}

function bytesBar(label: string, used: string | undefined, all: string): Bar {
  const part = used === undefined ? null : parseBytes(used);
  const whole = parseBytes(all) ?? 0;
  return part === null
    ? { label, value: null, text: "" }
    : { label, value: share(part, whole), text: formatBytesOf(part, whole) };
}

export function UsageBars({ node, disk, className }: { node: Node; disk?: boolean; className?: string }) {
  const bars = barsOf(node).slice(0, disk ? 3 : 2);
  return (
    <div className={cx("grid gap-x-5 gap-y-2", disk ? "sm:grid-cols-3" : "grid-cols-2", className)}>
      {bars.map((bar) => (
        <Meter key={bar.label} {...bar} stale={node.state === "unhealthy"} />
      ))}
    </div>
  );
}
