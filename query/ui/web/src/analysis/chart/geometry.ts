import type { Bucket } from "../shape.ts";
import type { Drawn } from "./look.ts";

// What is drawn where, in values of the axes; canvases come later.

/** Segment is a part of a stacked bar: of a series, from one value to another. */
export interface Segment {
  series: number;
  from: number;
  to: number;
}

/** stacked returns the segments of each bucket, the first series lowest. What is below zero stands below it. */
export function stacked(drawn: readonly Drawn[], buckets: number): Segment[][] {
  return Array.from({ length: buckets }, (_, at) => {
    let above = 0;
    let below = 0;
    const segments: Segment[] = [];
    drawn.forEach(({ values }, series) => {
      const value = values[at] ?? 0;
      if (value === 0) return;
      const from = value > 0 ? above : below;
      if (value > 0) above += value;
      else below += value;
      segments.push({ series, from, to: from + value });
    });
    return segments;
  });
}

/** sumBefore returns what all series had together in the period before, by bucket; null where none had a value. */
export function sumBefore(drawn: readonly Drawn[], buckets: number): (number | null)[] {
  return Array.from({ length: buckets }, (_, at) => {
    const values = drawn.map(({ before }) => before?.[at] ?? null).filter((value) => value !== null);
    return values.length > 0 ? values.reduce((sum, value) => sum + value, 0) : null;
  });
}

/** heightOf returns the range of a value axis: it has zero in it, and room above. */
export function heightOf(values: Iterable<number | null | undefined>): [number, number] {
  let low = 0;
  let high = 0;
  for (const value of values) {
    if (value === null || value === undefined) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low === 0 && high === 0) return [0, 1];
  return [low * 1.06, high * 1.06];
}

/** bucketAt returns the bucket that a time lies in, the nearest where it lies in none. */
export function bucketAt(buckets: readonly Bucket[], at: number): number {
  let low = 0;
  let high = buckets.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((buckets[middle] as Bucket).start <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** isolated reports whether a value has none beside it, so that a line has no length there. */
export function isolatedAt(values: readonly (number | null)[], at: number): boolean {
  return (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null;
}

/** spread moves labels apart that would cover each other, as little as it takes, and keeps them within their bounds. */
export function spread(places: readonly number[], height: number, top: number, bottom: number): number[] {
  const order = places.map((place, i) => ({ place, i })).sort((a, b) => a.place - b.place);
  let least = top;
  for (const one of order) {
    one.place = Math.max(one.place, least);
    least = one.place + height;
  }
  let most = bottom;
  for (const one of order.reverse()) {
    one.place = Math.min(one.place, most);
    most = one.place - height;
  }
  const out = new Array<number>(places.length);
  for (const { place, i } of order) out[i] = place;
  return out;
}
