/** The samples a chart shows: in order, bounded, pure. */
import type { Stats } from "@/live/wire";

export interface Sample {
  at: number; // seconds, as uPlot wants them
  cpu: number;
  memory: number;
  limit: number;
}

export const maxSamples = 180;
/** A hole this wide is drawn as one: nobody knows what was in it. */
export const gapSeconds = 5;

/** Adds a sample; one that is not newer than the last came twice or late. */
export function addSample(samples: readonly Sample[], stats: Stats): readonly Sample[] {
  const at = Date.parse(stats.at) / 1000;
  const last = samples.at(-1);
  if (Number.isNaN(at) || (last && at <= last.at)) return samples;
  const sample = { at, cpu: stats.cpu_cores, memory: stats.memory_bytes, limit: stats.memory_limit_bytes };
  return [...samples.slice(1 - maxSamples), sample];
}

/** Times and values for uPlot, with a null where samples are missing. */
export function series(samples: readonly Sample[], of: (s: Sample) => number): [number[], (number | null)[]] {
  const times: number[] = [];
  const values: (number | null)[] = [];
  for (const [i, sample] of samples.entries()) {
    const before = samples[i - 1];
    if (before && sample.at - before.at > gapSeconds) {
      times.push((before.at + sample.at) / 2);
      values.push(null);
    }
    times.push(sample.at);
    values.push(of(sample));
  }
  return [times, values];
}
