import { useCell } from "@/lib/cell";
import { formatTime } from "@/lib/time";
import { timeZone } from "@/lib/time-zone";

/** An exact time, by the clock of the account. */
export function Time({ at }: { at: string }) {
  const zone = useCell(timeZone);
  return <time dateTime={at}>{formatTime(at, zone)}</time>;
}
