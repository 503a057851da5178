import { type Fault, Problem } from "../api/client.ts";
import type { Aggregation, FilterObject } from "../api/types.ts";
import type { Filter } from "../state/filter.ts";
import { type Analysis, complete } from "./state.ts";

/** ready returns an analysis without the measures that lack their field yet; null where no other is left. */
export function ready(analysis: Analysis): Analysis | null {
  const measures = analysis.measures.filter(complete);
  if (measures.length === 0) return null;
  const rank = analysis.measures[analysis.rank];
  return { ...analysis, measures, rank: Math.max(0, rank ? measures.indexOf(rank) : 0) };
}

/** requestOf returns the body that asks for an analysis of what the filter finds. */
export function requestOf(filter: Filter, analysis: Analysis): Aggregation {
  const conditions: FilterObject = {};
  if (filter.q) conditions["q"] = filter.q;
  if (filter.preset) conditions["preset"] = filter.preset;
  if (filter.include) conditions["include"] = filter.include;
  return {
    filter: conditions,
    ...(filter.from && { from: filter.from }),
    // Without an end the range reaches to the end of the last event's quarter of an hour; compared with
    // a period of that length, what has not happened yet would count as a decline.
    to: filter.to || "now",
    timezone: filter.tz,
    bucket: analysis.bucket === "none" ? null : analysis.bucket,
    groupBy: analysis.by,
    metrics: analysis.measures.map(({ op, field }) => (field ? { op, field } : { op })),
    ...(analysis.by.length > 0 && { top: { k: analysis.top, by: analysis.rank, other: analysis.other } }),
    // A thousand groups in thousands of buckets are mostly empty: the page fills them itself.
    fill: "none",
    ...(analysis.previous && { compare: "previous" }),
  };
}

/** faultOf returns what is wrong with a member of the request. */
export function faultOf(error: unknown, ...fields: string[]): Fault | undefined {
  return error instanceof Problem ? error.faults.find((fault) => fields.includes(fault.field)) : undefined;
}

/** measureFault returns what is wrong with a measure of the analysis, whose incomplete measures were not sent. */
export function measureFault(error: unknown, analysis: Analysis, index: number): Fault | undefined {
  const measure = analysis.measures[index];
  if (!measure || !complete(measure)) return undefined;
  const sent = analysis.measures.slice(0, index).filter(complete).length;
  return faultOf(error, `metrics[${sent}]`);
}

/** forFilterBar returns the error with the filter's faults named as those of other calls are. */
export function forFilterBar(error: unknown): unknown {
  if (!(error instanceof Problem)) return error;
  const errors = error.faults.map((fault) => ({ ...fault, field: fault.field.replace(/^filter\./, "") }));
  return new Problem(error.status, {
    type: error.type,
    detail: error.message,
    requestId: error.requestId,
    errors,
  });
}
