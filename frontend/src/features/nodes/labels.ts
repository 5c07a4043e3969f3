/** Labels as people type them, one name=value on each line. Pure. */
import { linesOf } from "@/lib/lines";

export const textOf = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join("\n");

/** The first line that is no label. */
export const badLine = (text: string): string | undefined =>
  linesOf(text).find((line) => !/^[^=]+=/.test(line));

export function labelsOf(text: string): Record<string, string> {
  const pairs = linesOf(text).map((line): [string, string] => {
    const at = line.indexOf("=");
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  });
  return Object.fromEntries(pairs);
}
