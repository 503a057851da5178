import { type Histogram, type Severity, severities } from "../api/types.ts";
import { day, second } from "../state/time.ts";

// The shapes of the histogram: buckets side by side, severities on top of each other.

/** The lengths of buckets whose length is always the same, in milliseconds. */
const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** The shortest and the longest day, where clocks change. */
const dayLengths = [82_800_000, 90_000_000] as const;

/** Bar is a bucket of the histogram. */
export interface Bar {
  start: number; // in milliseconds since 1970
  end: number;
  counts: Record<Severity, number>;
  total: number;
}

/** lengthOf returns how long a bucket is, in milliseconds; days and longer are as long as most of them are. */
export function lengthOf(interval: string): number {
  const parts = /^(\d+)(mo|[smhdw])$/.exec(interval);
  if (!parts) return 0;
  const size = parts[2] === "mo" ? 30 * 86_400_000 : (units[parts[2] as string] ?? 0);
  return Number(parts[1]) * size;
}

/** barsOf returns the buckets of an answer. */
export function barsOf(histogram: Histogram): Bar[] {
  return histogram.buckets.map(({ start, counts }, i, all) => {
    const next = all[i + 1];
    const from = Date.parse(start);
    const bar: Bar = {
      start: from,
      end: next ? Date.parse(next.start) : from + lengthOf(histogram.interval),
      counts: { INFO: 0, WARN: 0, ERROR: 0, CRITICAL: 0 },
      total: 0,
    };
    for (const severity of severities) {
      bar.counts[severity] = counts[severity] ?? 0;
      bar.total += bar.counts[severity];
    }
    return bar;
  });
}

/** totalsOf sums the buckets up by severity. */
export function totalsOf(bars: readonly Bar[]): Record<Severity, number> {
  const totals = { INFO: 0, WARN: 0, ERROR: 0, CRITICAL: 0 };
  for (const bar of bars) for (const severity of severities) totals[severity] += bar.counts[severity];
  return totals;
}

/** topOf returns a round number that no bar is above. */
export function topOf(bars: readonly Bar[]): number {
  const highest = bars.reduce((most, bar) => Math.max(most, bar.total), 0);
  if (highest <= 1) return 1;
  const step = 10 ** Math.floor(Math.log10(highest));
  for (const factor of [1, 1.5, 2, 3, 4, 5, 6, 8]) {
    // A bar counts whole events.
    if (factor * step >= highest && Number.isInteger(factor * step)) return factor * step;
  }
  return 10 * step;
}

/**
 * pathsOf returns for each severity the outline of its part of all bars, in a box as wide as there are bars and of
 * the given height. The worst is at the bottom, where few of them are seen best; what is there at all is a pixel high.
 */
export function pathsOf(bars: readonly Bar[], height: number): Record<Severity, string> {
  const top = topOf(bars);
  const paths = { INFO: "", WARN: "", ERROR: "", CRITICAL: "" };
  // Wide bars need a gap between them; of many, none is wide.
  const gap = bars.length > 400 ? 0 : 0.12;
  bars.forEach((bar, i) => {
    let floor = height;
    for (const severity of severities.toReversed()) {
      const count = bar.counts[severity];
      if (count === 0) continue;
      const tall = Math.max((count / top) * height, 1);
      const roof = Math.max(floor - tall, 0);
      paths[severity] += `M${i + gap / 2} ${round(floor)}V${round(roof)}H${i + 1 - gap / 2}V${round(floor)}Z`;
      floor = roof;
    }
  });
  return paths;
}

function round(n: number): number {
  return Math.round(n * 100) / 100;
}

/** Tick is a time below the bars. at is its place, from 0 to 1. */
export interface Tick {
  at: number;
  text: string;
}

/** ticksOf returns times at even distances: the day too where the bars are of several, and the day alone where each bar is one. */
export function ticksOf(bars: readonly Bar[], zone: string, most: number): Tick[] {
  const first = bars[0];
  const last = bars.at(-1);
  if (!first || !last) return [];
  const length = first.end - first.start;
  const oneDay = day(first.start, zone) === day(last.start, zone);
  const text = (time: number) => {
    if (length >= dayLengths[0]) return day(time, zone);
    const written = second(time, zone);
    if (oneDay) return length < 60_000 ? written.slice(11) : written.slice(11, 16);
    return written.slice(5, 16);
  };
  const step = Math.max(1, Math.ceil(bars.length / most));
  const ticks: Tick[] = [];
  for (let i = 0; i < bars.length; i += step) ticks.push({ at: i / bars.length, text: text((bars[i] as Bar).start) });
  return ticks;
}

/** spanOf writes the time of one bar, or of several, in the zone. */
export function spanOf(from: Bar, to: Bar, zone: string): string {
  const length = to.end - from.start;
  if (from === to && length >= dayLengths[0] && length <= dayLengths[1]) return day(from.start, zone);
  const [start, end] = [second(from.start, zone), second(to.end, zone)];
  return `${start} – ${start.slice(0, 10) === end.slice(0, 10) ? end.slice(11) : end}`;
}
