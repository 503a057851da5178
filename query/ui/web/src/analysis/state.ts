import type { Changes } from "../state/location.ts";

// What the analysis computes and how it is drawn, as the address has it:
// m=count&m=p95:payload.latency_ms&by=severity&bucket=1h&top=20&draw=bars.

/** Ops are what can be measured; which of them need a field, and whether it must be a number. */
export const ops = {
  count: { name: "count", field: false, number: false },
  rate: { name: "count per second", field: false, number: false },
  uniq: { name: "distinct values", field: true, number: false },
  sum: { name: "sum", field: true, number: true },
  avg: { name: "average", field: true, number: true },
  min: { name: "minimum", field: true, number: true },
  max: { name: "maximum", field: true, number: true },
  p50: { name: "median", field: true, number: true },
  p90: { name: "90th percentile", field: true, number: true },
  p95: { name: "95th percentile", field: true, number: true },
  p99: { name: "99th percentile", field: true, number: true },
} as const;

export type Op = keyof typeof ops;

/** A measure is one number of each group. op may be one that there isn't: the server says so. */
export interface Measure {
  op: string;
  field: string;
}

export const buckets = [
  "auto",
  "none",
  "1s",
  "5s",
  "10s",
  "30s",
  "1m",
  "5m",
  "10m",
  "15m",
  "30m",
  "1h",
  "3h",
  "6h",
  "12h",
  "1d",
  "1w",
  "1mo",
];

/** What stands for buckets without events: zero, a gap, or nothing, so that lines go on. */
export const fills = ["zero", "gap", "join"] as const;
export type Fill = (typeof fills)[number];

export const drawings = ["lines", "bars", "table"] as const;
export type Drawing = (typeof drawings)[number];

export interface Analysis {
  measures: Measure[];
  by: string[];
  bucket: string; // one of buckets
  top: number;
  rank: number; // the measure that ranks the groups
  other: boolean;
  fill: Fill;
  previous: boolean; // compared with the period before
}

/** How the answer is shown. */
export interface Showing {
  draw: Drawing;
  sort: string; // a column of the table, with - before it for the largest first; "" is the server's order
  hide: string[]; // labels of series
  only: string[]; // labels of the only series that are shown; none: all
}

export const most = { measures: 10, by: 4, top: 1000 };
const defaultTop = 10;

/** needsField reports whether an op measures a field. Of an op that there isn't, nobody knows. */
export function needsField(op: string): boolean {
  return ops[op as Op]?.field ?? false;
}

/** complete reports whether a measure says of what it is. */
export function complete(measure: Measure): boolean {
  return measure.field !== "" || !needsField(measure.op);
}

/** analysisOf reads the address. One without an analysis has an example: how many events, by severity. */
export function analysisOf(params: URLSearchParams): Analysis {
  const written = params.has("m") || params.has("by");
  const measures = params.getAll("m").map(measureOf);
  if (measures.length === 0) measures.push({ op: "count", field: "" });
  const top = Number.parseInt(params.get("top") ?? "", 10);
  const rank = Number.parseInt(params.get("rank") ?? "", 10);
  const fill = fills.find((known) => known === params.get("fill"));
  return {
    measures,
    by: written ? params.getAll("by") : ["severity"],
    bucket: params.get("bucket") ?? "auto",
    top: top >= 1 ? Math.min(top, most.top) : defaultTop,
    rank: rank >= 0 && rank < measures.length ? rank : 0,
    other: params.get("other") !== "no",
    fill: fill ?? "zero",
    previous: params.get("vs") === "previous",
  };
}

function measureOf(text: string): Measure {
  const at = text.indexOf(":");
  return at < 0 ? { op: text, field: "" } : { op: text.slice(0, at), field: text.slice(at + 1) };
}

/** measureText writes a measure as the address has it. */
export function measureText({ op, field }: Measure): string {
  return field ? `${op}:${field}` : op;
}

/** changesOf writes an analysis into the address, all but what is so anyway. */
export function changesOf(analysis: Analysis): Changes {
  return {
    m: analysis.measures.map(measureText),
    by: analysis.by,
    bucket: analysis.bucket === "auto" ? null : analysis.bucket,
    top: analysis.top === defaultTop ? null : String(analysis.top),
    rank: analysis.rank > 0 && analysis.rank < analysis.measures.length ? String(analysis.rank) : null,
    other: analysis.other ? null : "no",
    fill: analysis.fill === "zero" ? null : analysis.fill,
    vs: analysis.previous ? "previous" : null,
  };
}

/** usualDrawing is how an analysis is drawn unless somebody chose. */
export function usualDrawing(analysis: Analysis): Drawing {
  if (analysis.bucket !== "none") return "lines";
  return analysis.by.length > 0 ? "bars" : "table";
}

/** showingOf reads from the address how the answer is shown. */
export function showingOf(params: URLSearchParams, analysis: Analysis): Showing {
  const chosen = drawings.find((known) => known === params.get("draw"));
  // Without time there is nothing that a line could go over.
  const draw = chosen === "lines" && analysis.bucket === "none" ? undefined : chosen;
  return {
    draw: draw ?? usualDrawing(analysis),
    sort: params.get("sort") ?? "",
    hide: params.getAll("hide"),
    only: params.getAll("only"),
  };
}

/** shown reports whether a series is among those that are shown. */
export function shown({ hide, only }: Showing, label: string): boolean {
  return only.length > 0 ? only.includes(label) : !hide.includes(label);
}

/** toggled returns what the address becomes when a series is hidden, or shown again. */
export function toggled(showing: Showing, label: string): Changes {
  const flip = (list: string[]) => (list.includes(label) ? list.filter((one) => one !== label) : [...list, label]);
  return showing.only.length > 0 ? { only: flip(showing.only), hide: null } : { hide: flip(showing.hide), only: null };
}

/** isolated returns what the address becomes when one series is shown alone, or all are again. */
export function isolated({ only }: Showing, label: string): Changes {
  return { only: only.length === 1 && only[0] === label ? null : label, hide: null };
}

/** measureName says what a measure is: p95 of payload.latency_ms. */
export function measureName({ op, field }: Measure): string {
  if (op === "uniq") return `distinct ${field}`;
  return field ? `${op} of ${field}` : op === "rate" ? "events per second" : op;
}

/** measuresName says what measures are; those of one field are named together: p50, p95 of payload.latency_ms. */
export function measuresName(measures: readonly Measure[]): string {
  const done = new Set<string>();
  const names: string[] = [];
  for (const measure of measures) {
    const { op, field } = measure;
    if (field === "" || op === "uniq") names.push(measureName(measure));
    else if (!done.has(field)) {
      done.add(field);
      const same = measures.filter((one) => one.field === field && one.op !== "uniq");
      names.push(`${same.map((one) => one.op).join(", ")} of ${field}`);
    }
  }
  return names.join("; ");
}

/** titleOf says what an analysis shows: count by severity. */
export function titleOf({ measures, by }: Analysis): string {
  const what = measuresName(measures.filter(complete));
  return by.length > 0 ? `${what} by ${by.join(", ")}` : what;
}
