// The shapes of Daybook's HTTP API, as /openapi.json describes them.

export const severities = ["INFO", "WARN", "ERROR", "CRITICAL"] as const;
export type Severity = (typeof severities)[number];

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** An event. Members that Daybook doesn't know stand beside the named ones. */
export interface Event {
  eventId: string;
  tenantId: string;
  eventType: string;
  severity: Severity;
  category: string;
  createdAt: string;
  ingestedAt: string;
  payload: Json;
  source?: string;
  actorType?: string;
  actorId?: string;
  actorName?: string;
  actorEmail?: string;
  targetType?: string;
  targetId?: string;
  correlationId?: string;
  ipAddress?: string;
  userAgent?: string;
  archived?: boolean; // older than the retention: asked for with include=archive
  [member: string]: Json | undefined;
}

export interface Meta {
  elapsedMs: number;
  rowsRead: number;
  source: "raw" | "rollup";
  partial: boolean;
}

/** A piece of one key or value of a payload: of the decoded text, in code points. */
export interface HighlightPart {
  pointer: string; // RFC 6901: to the value, or to the member whose key it is
  of: "key" | "value";
  start: number;
  end: number;
}

/** A place where an event satisfies the filter, in code points of the field's text; of payload: of its JSON as it was sent. */
export interface Highlight {
  field: string;
  start: number;
  end: number;
  parts?: HighlightPart[];
}

export interface Count {
  value: number;
  relation: "eq" | "gte"; // gte: at least so many
  source: "raw" | "rollup";
}

export interface SearchPage {
  events: Event[];
  highlights?: Highlight[][];
  nextCursor: string | null;
  meta: Meta & { indexes: string[]; count?: Count };
}

export interface Histogram {
  buckets: { start: string; counts: Record<string, number> }[];
  interval: string;
  total: number;
  meta: Meta;
}

export interface Facet {
  field: string;
  values: { value: string; count: number }[];
  other: number;
  missing: number;
  distinct: number;
}

export interface Facets {
  facets: Facet[];
  meta: Meta;
}

export interface Field {
  name: string;
  short?: string;
  types: { type: string; share: number }[];
  elements?: { type: string; share: number }[];
  events: number;
  share: number;
  examples: string[];
}

export interface Fields {
  fields: Field[];
  more: boolean;
  sample: { events: number; of: number | null; whole: boolean };
  meta: Meta;
}

export interface FieldValues {
  field: string;
  values: { value: string; count: number }[];
  more: boolean;
  sample: { events: number; of: number | null; whole: boolean };
  meta: Meta;
}

/** A filter as presets keep it: the parameters of a search. */
export type FilterObject = Record<string, string | string[]>;

export interface Preset {
  id: string;
  name: string;
  filter: FilterObject;
  shared: boolean;
  owner: string | null;
  mine: boolean;
  version: number;
  createdAt: string | null;
  updatedAt: string | null;
}

/** A legal hold: what it selects is not purged until it is lifted. */
export interface Hold {
  id: string;
  filter: FilterObject; // {}: every event of the tenant
  reason: string;
  placedAt: string;
  placedBy: string;
  placedByName: string;
  liftedAt: string | null;
  liftedBy: string | null;
  liftedByName: string | null;
  liftReason: string | null;
}

export type Scope = "events:read" | "events:write" | "presets:write" | "audit:read" | "admin";

export interface ApiKey {
  id: string;
  key?: string;
  tenantId: string;
  name: string;
  scopes: Scope[];
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
}

/** Who is signed in. tenantId is "*" for a key of every tenant. */
export interface Session {
  keyId: string;
  name: string;
  tenantId: string;
  scopes: Scope[];
  expiresAt: string | null;
}

/** A number for each metric; null where there is none. */
export type Values = (number | null)[];

/** What POST /events/aggregate takes. bucket null is one point for the whole range. */
export interface Aggregation {
  filter: FilterObject;
  from?: string;
  to?: string;
  timezone?: string;
  bucket: string | null;
  groupBy: string[];
  metrics: { op: string; field?: string }[];
  top?: { k: number; by: number; other: boolean };
  fill: "zero" | "null" | "none";
  compare?: "previous";
}

export interface Point {
  start: string;
  values: Values;
}

/** A group over time. What is not among the top groups has no values of fields, and `other`. */
export interface Series {
  group: Record<string, string | null>;
  other?: boolean;
  points: Point[];
  totals: Values;
  previous?: Point[];
  previousTotals?: Values;
}

export interface Aggregate {
  series: Series[];
  totals: Values;
  previousTotals?: Values;
  /** from and to are the range that was computed; the period before reaches from previousFrom to from. */
  meta: Meta & { exact: boolean; bucket: string | null; from: string; to: string; previousFrom?: string };
}
