import { useCell } from "@/lib/cell";
import { formatAge, formatTime } from "@/lib/time";
import { timeZone } from "@/lib/time-zone";
import { useNow } from "@/lib/use-now";
import { strings } from "@/strings";

/** How long ago, counting on by itself; the exact time is its title. */
export function Age({ at, bare }: { at: string | undefined; bare?: boolean }) {
  const now = useNow();
  const zone = useCell(timeZone);
  if (!at) return <>–</>;
  const age = formatAge(at, now);
  return (
    <time dateTime={at} title={formatTime(at, zone)} className="whitespace-nowrap tabular-nums">
      {bare ? age : strings.ago(age)}
    </time>
  );
}
