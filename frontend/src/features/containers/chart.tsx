import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useCell } from "@/lib/cell";
import { theme } from "@/lib/theme";
import { type Sample, series } from "./samples";

interface ChartProps {
  samples: readonly Sample[];
  of: (sample: Sample) => number;
  format: (value: number) => string;
  /** The scale's top is never below this, so that noise looks like noise. */
  floor: number;
  /** Ticks at powers of two, as amounts of memory have them. */
  binary?: boolean;
}

/** A chart spans this at least: a first sample alone has no scale. */
const leastSeconds = 60;

const powersOfTwo = Array.from({ length: 50 }, (_, i) => 2 ** i);

/** One line over time. The newest value stands beside it in words. */
export function Chart({ samples, of, format, floor, binary }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const painted = useCell(theme);
  // biome-ignore lint/correctness/useExhaustiveDependencies: made once per theme; data comes below
  useEffect(() => {
    const at = box.current;
    if (!at) return;
    const made = new uPlot(optionsFor(at, { format, floor, binary }), series(samples, of), at);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: at.clientWidth, height: at.clientHeight }));
    watch.observe(at);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [painted]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `of` is the same for ever
  useEffect(() => plot.current?.setData(series(samples, of)), [samples]);
  return <div ref={box} aria-hidden className="h-full" />;
}

type Scale = Pick<ChartProps, "format" | "floor" | "binary">;

function optionsFor(at: HTMLElement, { format, floor, binary }: Scale): uPlot.Options {
  const style = getComputedStyle(at);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: colour("--muted"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: `11px ${style.fontFamily}`,
  };
  return {
    width: at.clientWidth,
    height: at.clientHeight,
    cursor: { show: false },
    legend: { show: false },
    scales: {
      x: { range: (_, min, max) => [Math.min(min, max - leastSeconds), max] },
      y: { range: (_, __, max) => [0, Math.max(floor, max * 1.15)] },
    },
    axes: [
      {
        ...axis,
        size: 26,
        space: 80,
        values: [[1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1]],
      },
      {
        ...axis,
        size: 62,
        space: 32,
        values: (_, ticks) => ticks.map(format),
        ...(binary && { incrs: powersOfTwo }),
      },
    ],
    series: [{}, { stroke: colour("--accent"), width: 1.5, points: { show: false }, spanGaps: false }],
  };
}
