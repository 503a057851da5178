import type { Json } from "../api/types.ts";
import { missing } from "../query/conditions.ts";
import { and, condition, quote } from "../query/language.ts";
import { filterOf, sameFilterAt } from "../state/filter.ts";
import type { Changes } from "../state/location.ts";
import type { Line, Shape } from "./shape.ts";

// From a figure to its events: the search with the group's values and the bucket's time.

/** A way to the events of a figure, or why there is none. note says where the search finds other events than were counted. */
export type Way = { to: string; note?: string } | { why: string };

// As query/filter bounds q and its values.
const maxQueryBytes = 8192;
const maxValueBytes = 1024;
const maxPayloadConditions = 64;

interface Condition {
  text: string;
  note?: string;
}

/** wayTo returns the address of the search for the events of a line; of all where it is null. period narrows their time. */
export function wayTo(
  params: URLSearchParams,
  shape: Shape,
  line: Line | null,
  period: { from: number; to: number } | null,
): Way {
  const conditions = line === null || line.values.length + Number(line.other) === 0 ? [] : conditionsOf(shape, line);
  if (conditions === null)
    return { why: "The groups that are left out are too many to be written as a filter. Ask for fewer groups." };
  const filter = filterOf(params);
  const q = conditions.reduce((made, { text }) => and(made, text), filter.q);
  if (bytes(q) > maxQueryBytes)
    return { why: `A filter for these events would be longer than ${maxQueryBytes} bytes. Ask for fewer groups.` };
  const changes: Changes = { q };
  if (period) {
    changes["from"] = new Date(period.from).toISOString();
    changes["to"] = new Date(period.to).toISOString();
  }
  const notes = [...new Set(conditions.flatMap(({ note }) => note ?? []))];
  return { to: sameFilterAt("/", params, changes), ...(notes.length > 0 && { note: notes.join(" ") }) };
}

function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

function conditionsOf(shape: Shape, line: Line): Condition[] | null {
  const { by } = shape.analysis;
  if (!line.other) return by.flatMap((field, i) => valueConditions(field, line.values[i] ?? null));
  return restConditions(
    by,
    shape.lines.filter((one) => !one.other).map((one) => one.values),
  );
}

/** isNone reports whether a group's value stands for none: a field of the event that has no value is "". */
function isNone(field: string, value: string | null): boolean {
  return value === null || (value === "" && !field.startsWith("payload."));
}

function valueConditions(field: string, value: string | null): Condition[] {
  if (value === null || isNone(field, value)) return [{ text: missing(field) }];
  const there = { text: `${field}:*` };
  const nested = nestedValue(field, value);
  if (Array.isArray(nested) && nested.length > 0 && nested.every((one) => one !== null && typeof one !== "object")) {
    const note = "A filter compares lists element by element: other lists with the same elements are found as well.";
    return nested.map((one) => ({ text: condition(field, String(one)), note }));
  }
  if (nested !== null)
    return [{ ...there, note: `A filter can't name a whole object or list: all events that have ${field} are found.` }];
  if (bytes(value) > maxValueBytes)
    return [{ ...there, note: `The value is longer than a filter can name: all events that have ${field} are found.` }];
  return [{ text: condition(field, value) }];
}

/** nestedValue returns the list or object that a payload's value is, null where it is neither. */
function nestedValue(field: string, value: string): Json {
  if (!field.startsWith("payload.") || !/^[[{]/.test(value)) return null;
  try {
    return JSON.parse(value) as Json;
  } catch {
    return null; // A text that begins like one.
  }
}

/** restConditions returns what leaves out every group that is named; null where that can't be written. */
function restConditions(by: string[], groups: (string | null)[][]): Condition[] | null {
  const nameable = (value: string | null, i: number) =>
    value === null || (nestedValue(by[i] as string, value) === null && bytes(value) <= maxValueBytes);
  if (!groups.every((values) => values.every(nameable))) return null;
  if (by.filter((field) => field.startsWith("payload.")).length * groups.length > maxPayloadConditions) return null;
  if (by.length > 1)
    return groups.map((values) => ({
      text: `-(${values.map((value, i) => valueConditions(by[i] as string, value)[0]?.text).join(" ")})`,
    }));
  const field = by[0] as string;
  const values = groups.map(([value]) => value ?? null);
  const named = values.filter((value): value is string => value !== null && !isNone(field, value)).map(quote);
  const conditions: Condition[] = [];
  if (named.length > 0)
    conditions.push({ text: `-${field}:${named.length > 1 ? `(${named.join(" OR ")})` : named[0]}` });
  if (values.some((value) => isNone(field, value))) conditions.push({ text: `${field}:*` });
  return conditions;
}
