import type { Node } from "@/api/types";
import { cx } from "@/lib/cx";
import { formatBytes, formatBytesOf, formatCores, parseBytes, share } from "@/lib/quantity";
import { strings } from "@/strings";
import { Meter } from "@/ui/meter";

const words = strings.nodes;

interface Bar {
  label: string;
  value: number | null;
  text: string;
  part: { value: number; text: string };
}

/** Of what a machine offers to containers: what all of it uses, and what was promised. */
export function barsOf({ live, offer, reserved }: Pick<Node, "live" | "offer" | "reserved">): Bar[] {
  const cpu = live?.usage.cpu ?? null;
  return [
    {
      label: words.cpu,
      value: cpu === null ? null : share(cpu, offer.cpu),
      text: cpu === null ? "" : words.cores(formatCores(cpu), formatCores(offer.cpu)),
      part: { value: share(reserved.cpu, offer.cpu), text: words.promised(formatCores(reserved.cpu)) },
    },
    bytesBar(words.memory, live?.usage.memory, offer.memory, reserved.memory),
    bytesBar(words.disk, live?.usage.disk, offer.disk, reserved.disk),
  ];
}

function bytesBar(label: string, used: string | undefined, all: string, reserved: string): Bar {
  const now = used === undefined ? null : parseBytes(used);
  const whole = parseBytes(all) ?? 0;
  const promised = parseBytes(reserved) ?? 0;
  const part = { value: share(promised, whole), text: words.promised(formatBytes(promised)) };
  return now === null
    ? { label, value: null, text: "", part }
    : { label, value: share(now, whole), text: formatBytesOf(now, whole), part };
}

interface UsageProps {
  node: Node;
  /** In words, and with what the colours mean. */
  spell?: boolean;
  className?: string;
}

export function UsageBars({ node, spell = false, className }: UsageProps) {
  return (
    <>
      <div className={cx("grid gap-x-5 gap-y-2", spell ? "sm:grid-cols-3" : "grid-cols-3", className)}>
        {barsOf(node).map((bar) => (
          <Meter key={bar.label} {...bar} brief={!spell} stale={node.state === "unhealthy"} />
        ))}
      </div>
      {spell && (
        <ul aria-hidden className="mt-3 flex flex-wrap gap-x-4 gap-y-1 text-xs text-muted">
          {legend.map(({ word, colour }) => (
            <li key={word} className="inline-flex items-center gap-1.5">
              <span className={cx("h-1.5 w-4 rounded-full", colour)} />
              {word}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

const legend = [
  { word: words.legend.used, colour: "bg-accent" },
  { word: words.legend.promised, colour: "bg-accent/35" },
  { word: words.legend.offered, colour: "bg-line" },
];
