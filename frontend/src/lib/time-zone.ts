import { Cell } from "./cell";

/** The account's time zone, as in the IANA database; empty: the browser's. */
export const timeZone = new Cell("");

/** All zones that can be chosen, with the one that is. */
export function timeZones(chosen: string): string[] {
  const all = new Set(["UTC", ...Intl.supportedValuesOf("timeZone")]);
  if (chosen) all.add(chosen);
  return [...all].sort();
}
