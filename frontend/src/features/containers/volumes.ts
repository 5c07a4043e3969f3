/** Volumes as they are typed, one on each line, as the CLI takes them. Pure. */
import type { ContainerCreate, Egg } from "@/api/types";
import { linesOf } from "@/lib/lines";
import { isName, quoted } from "@/lib/names";
import { create } from "@/strings/create";

const words = create.volumes;

type Volume = NonNullable<ContainerCreate["volumes"]>[number];

const volumeLine = /^([^:]+):([^:]+)((?::(?:ro|shared))*)$/;

const cleanPath = /^(?:\/(?!\.{1,2}(?:\/|$))[^/]+)+$/;

function volumeOf(line: string): Volume | null {
  const [, host, container, flags = ""] = volumeLine.exec(line) ?? [];
  if (!host || !container) return null;
  const set = flags.split(":");
  return {
    host,
    container,
    ...(set.includes("ro") && { read_only: true }),
    ...(set.includes("shared") && { shared: true }),
  };
}

export const volumesOf = (text: string): Volume[] => linesOf(text).flatMap((line) => volumeOf(line) ?? []);

/** What is wrong with the first of them that is not right, in the controller's words; or nothing. */
export function faultOfVolumes(text: string): string {
  const seen = new Set<string>();
  for (const line of linesOf(text)) {
    const volume = volumeOf(line);
    const fault = volume ? faultOf(volume, seen) : words.badLine(quoted(line, 120));
    if (fault) return fault;
  }
  return "";
}

function faultOf({ host, container }: Volume, seen: Set<string>): string {
  const isPath = host.startsWith("/");
  if (isPath && !cleanPath.test(host)) return words.badPath(quoted(host, 120));
  if (!isPath && !isName(host)) return words.badHost(quoted(host, 120));
  if (!cleanPath.test(container)) return words.badInside(quoted(container, 120));
  if (seen.has(container)) return words.twice(container);
  seen.add(container);
  return "";
}

/** All that it will have, with those of the egg in whose place nothing else was put. */
export function allVolumes(text: string, egg: Egg): Volume[] {
  const asked = volumesOf(text);
  const own = (egg.volumes ?? []).filter((v) => !asked.some(({ container }) => container === v.container));
  return [...asked, ...own.map(({ name, container }) => ({ host: name, container }))];
}

export const volumeText = ({ host, container, read_only, shared }: Volume): string =>
  [`${host} → ${container}`, read_only && words.readOnly, shared && words.shared].filter(Boolean).join(", ");
