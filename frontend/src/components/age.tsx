import { formatAge, formatTime } from "@/lib/time";
import { useNow } from "@/lib/use-now";
import { strings } from "@/strings";

/** How long ago, counting on by itself; the exact time is its title. */
export function Age({ at, bare }: { at: string | undefined; bare?: boolean }) {
  const now = useNow();
  if (!at) return <>–</>;
  const age = formatAge(at, now);
  return (
    <time dateTime={at} title={formatTime(at)} className="whitespace-nowrap tabular-nums">
      {bare ? age : strings.ago(age)}
    </time>
  );
}
