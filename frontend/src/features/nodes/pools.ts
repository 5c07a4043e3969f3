/** Pools of host ports as people type them, one [IP:]FIRST-LAST on each line. Pure. */
import type { Node } from "@/api/types";
import { beforeColon, ipOf } from "@/lib/address";
import { linesOf } from "@/lib/lines";

type Pool = Node["portPools"][number];

const poolLine = /^(?:(.+):)?(\d{1,5})-(\d{1,5})$/;

export const poolsText = (pools: Pool[]): string =>
  pools.map(({ ip, first, last }) => `${beforeColon(ip)}${first}-${last}`).join("\n");

/** The first line that is no pool. */
export const badPool = (text: string): string | undefined =>
  linesOf(text).find((line) => !poolLine.test(line));

export const poolsOf = (text: string): Pool[] =>
  linesOf(text).map((line) => {
    const [, ip, first, last] = poolLine.exec(line) ?? [];
    return { ...ipOf(ip), first: Number(first), last: Number(last) };
  });
