import { recentBeats } from "@/api/queries";
import type { Node } from "@/api/types";
import { cx } from "@/lib/cx";
import { useNow } from "@/lib/use-now";
import { strings } from "@/strings";
import { type Beat, beatsOf, msOf, withLast } from "./beats";

const words = strings.fleet;
const most = 60;

/** Height as well as colour, as in the strip of states. */
const faces: Record<Beat, string> = {
  heard: "h-3 bg-ok",
  missed: "h-6 bg-bad",
  untold: "h-1.5 bg-line-strong",
};

/** A cell for every heartbeat that was due while this tab listened. */
export function BeatStrip({ node, every }: { node: Node; every: string }) {
  const now = useNow();
  const everyMs = msOf(every);
  if (!everyMs) return null;
  const heard = withLast(recentBeats.of(node.id), node.lastHeartbeat, now);
  const beats = beatsOf(heard, recentBeats.deafness(now), now, everyMs, most);
  const count = (kind: Beat) => beats.filter((beat) => beat === kind).length;
  return (
    <div>
      <p className="mb-1 flex justify-between gap-2 text-xs text-muted">
        <span>{words.beats(every)}</span>
        <span className="tabular-nums">{words.beatCounts(count("heard"), count("missed"))}</span>
      </p>
      <div
        role="img"
        aria-label={words.beatText(count("heard"), count("missed"))}
        className="flex h-6 items-end justify-end gap-px"
      >
        {beats.map((beat, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: cells have no name but their place
          <span key={i} className={cx("w-1.5 min-w-px rounded-xs", faces[beat])} />
        ))}
      </div>
    </div>
  );
}
