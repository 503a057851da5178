import { type Aggregate, type Point, type Series, severities, type Values } from "../api/types.ts";
import { edges, widthOf } from "./calendar.ts";
import { type Analysis, type Fill, measuresName } from "./state.ts";

// An answer of the API as it is drawn: every series has a value in every bucket.

/** Bucket is one of time, in milliseconds. counted is the part of it that lies in the range. */
export interface Bucket {
  start: number;
  end: number;
  counted: { from: number; to: number };
}

/** Line is a group over time. */
export interface Line {
  key: string; // that no other has
  label: string;
  values: (string | null)[]; // of the fields of `by`; none for other
  other: boolean;
  points: Values[]; // by measure, then by bucket
  totals: Values; // by measure
  before: Values[] | null; // the points of the period before, bucket by bucket
  totalsBefore: Values | null;
}

export interface Shape {
  analysis: Analysis;
  zone: string;
  buckets: Bucket[]; // none where there is no bucket
  bucket: string | null; // its name, as the server chose it
  lines: Line[];
  totals: Values;
  totalsBefore: Values | null;
  range: { from: number; to: number };
  before: { from: number; to: number } | null; // the period before
}

/** none is what people read for a field without a value. */
export const none = "(none)";

/** otherLabel is the name of what is not among the top groups. */
export const otherLabel = "other";

/** allLabel is the name of the one series of an analysis without groups. */
export const allLabel = "all events";

/** valueLabel writes a value of a field. A field of the event that has no value is ""; a payload can have that as one. */
export function valueLabel(field: string, value: string | null): string {
  if (value === null || (value === "" && !field.startsWith("payload."))) return none;
  return value === "" ? '""' : value;
}

/** isPartial reports whether a bucket reaches over an end of the range, so that its values are of a part of it. */
export function isPartial(bucket: Bucket): boolean {
  return bucket.counted.from > bucket.start || bucket.counted.to < bucket.end;
}

/** addsUp reports whether the values of a measure's groups make the value of them all. */
export function addsUp(op: string): boolean {
  return op === "count" || op === "rate" || op === "sum";
}

/** ofNothing is what a measure has where there are no events: an average of nothing is not zero. */
function ofNothing(op: string, fill: Fill): number | null {
  return fill === "zero" && (addsUp(op) || op === "uniq") ? 0 : null;
}

/** shapeOf makes an answer ready to be drawn. */
export function shapeOf(answer: Aggregate, analysis: Analysis, zone: string): Shape {
  const { meta } = answer;
  const range = { from: Date.parse(meta.from), to: Date.parse(meta.to) };
  const before = meta.previousFrom ? { from: Date.parse(meta.previousFrom), to: range.from } : null;
  const timed = meta.bucket !== null;
  const now = timed ? bucketsOf(range, meta.bucket, zone, answer.series, "points") : [];
  const then = timed && before ? bucketsOf(before, meta.bucket, zone, answer.series, "previous") : [];
  const lines = answer.series.map((series) => lineOf(series, analysis, now, then, timed));
  return {
    analysis,
    zone,
    buckets: now,
    bucket: meta.bucket,
    lines: ordered(lines, analysis),
    totals: answer.totals,
    totalsBefore: answer.previousTotals ?? null,
    range,
    before,
  };
}

function bucketsOf(
  range: { from: number; to: number },
  name: string | null,
  zone: string,
  series: Series[],
  points: "points" | "previous",
): Bucket[] {
  const width = widthOf(name ?? "");
  const all = new Set(width ? edges(range.from, range.to, width, zone) : [range.from, range.to]);
  // What the server counted is shown even where its buckets began elsewhere than is known here.
  for (const one of series) for (const point of one[points] ?? []) all.add(Date.parse(point.start));
  const sorted = [...all].sort((a, b) => a - b);
  return sorted.slice(0, -1).map((start, i) => {
    const end = sorted[i + 1] as number;
    return { start, end, counted: { from: Math.max(start, range.from), to: Math.min(end, Math.max(range.to, start)) } };
  });
}

function lineOf(series: Series, analysis: Analysis, now: Bucket[], then: Bucket[], timed: boolean): Line {
  const other = series.other ?? false;
  const values = other ? [] : analysis.by.map((field) => series.group[field] ?? null);
  const labels = values.map((value, i) => valueLabel(analysis.by[i] as string, value));
  return {
    key: other ? "other" : JSON.stringify(values),
    label: other ? otherLabel : labels.length > 0 ? labels.join(" · ") : allLabel,
    values,
    other,
    points: timed ? filled(series.points, now, now.length, analysis) : [],
    totals: series.totals,
    // Bucket by bucket; where the period before has more of them, as months do, its last are in the totals alone.
    before: timed && series.previous ? filled(series.previous, then, now.length, analysis) : null,
    totalsBefore: series.previousTotals ?? null,
  };
}

/** filled returns the values by measure and bucket, of `length` buckets. */
function filled(points: Point[], buckets: Bucket[], length: number, { measures, fill }: Analysis): Values[] {
  const index = new Map(buckets.map((bucket, i) => [bucket.start, i]));
  const out = measures.map(({ op }) => new Array<number | null>(length).fill(ofNothing(op, fill)));
  for (const point of points) {
    const at = index.get(Date.parse(point.start));
    if (at === undefined || at >= length) continue;
    point.values.forEach((value, i) => {
      if (out[i]) out[i][at] = value;
    });
  }
  // A period before that has fewer buckets has no value in the others, not zero.
  for (const values of out) values.fill(null, Math.min(buckets.length, length));
  return out;
}

/** ordered is the server's order, the largest first; severities have one of their own. */
function ordered(lines: Line[], { by }: Analysis): Line[] {
  if (by.length !== 1 || by[0] !== "severity") return lines;
  const rank = (line: Line) => {
    const at = severities.indexOf(line.values[0] as never);
    return at < 0 ? severities.length : at;
  };
  return [...lines].sort((a, b) => rank(a) - rank(b));
}

/** change returns by how much a value differs from the one before, as a share of that; null where there is no telling. */
export function change(value: number | null | undefined, before: number | null | undefined): number | null {
  if (value === null || value === undefined || before === null || before === undefined) return null;
  if (before === 0) return value === 0 ? 0 : null;
  return (value - before) / Math.abs(before);
}

/** changeText writes a change: +12 %, new where nothing was before. */
export function changeText(value: number | null | undefined, before: number | null | undefined): string {
  const part = change(value, before);
  if (part === null) return before === 0 && value !== null && value !== undefined ? "new" : "–";
  const percent = part * 100;
  const text = Math.abs(percent) >= 10 ? Math.round(percent).toLocaleString("en") : percent.toFixed(1);
  return `${percent > 0 ? "+" : ""}${text.replace("-", "−")} %`;
}

/** Panel is one chart: of measures that one axis can have. */
export interface Panel {
  title: string;
  measures: number[];
}

/** panelsOf puts measures together that share an axis: without groups, those of one field in its own unit. */
export function panelsOf({ measures, by }: Analysis): Panel[] {
  const units = new Map<string, number[]>();
  measures.forEach(({ op, field }, i) => {
    const inFieldsUnit = !["count", "rate", "uniq", "sum"].includes(op);
    const unit = by.length === 0 && inFieldsUnit ? field : `${i}`;
    units.set(unit, [...(units.get(unit) ?? []), i]);
  });
  return [...units.values()].map((list) => ({
    measures: list,
    title: measuresName(list.flatMap((i) => measures[i] ?? [])),
  }));
}
