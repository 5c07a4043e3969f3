import { expect, it } from "vitest";
import type { Stats } from "@/live/wire";
import { addSample, gapSeconds, maxSamples, type Sample, series } from "./samples";

const stats = (second: number, cpu = 1): Stats => ({
  v: 1,
  type: "stats",
  at: new Date(second * 1000).toISOString(),
  cpu_cores: cpu,
  memory_bytes: 10,
  memory_limit_bytes: 100,
  net_rx_bytes: 0,
  net_tx_bytes: 0,
  block_read_bytes: 0,
  block_write_bytes: 0,
  pids: 1,
});

const collect = (...seconds: number[]) =>
  seconds.reduce<readonly Sample[]>((all, second) => addSample(all, stats(second)), []);

it("drops what comes twice or late", () => {
  expect(collect(1, 2, 2, 1, 3).map((s) => s.at)).toEqual([1, 2, 3]);
});

it("is bounded", () => {
  const all = collect(...Array.from({ length: maxSamples + 20 }, (_, i) => i + 1));
  expect(all).toHaveLength(maxSamples);
  expect(all.at(-1)?.at).toBe(maxSamples + 20);
});

it("draws a hole where samples are missing", () => {
  const [times, values] = series(collect(1, 2, 2 + gapSeconds + 2), (s) => s.cpu);
  expect(values).toEqual([1, 1, null, 1]);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});
