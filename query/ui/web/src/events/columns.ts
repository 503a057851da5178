import type { Event, Json } from "../api/types.ts";
import { stamp } from "../state/time.ts";

/** Column is one thing that lists show of each event. */
export interface Column {
  id: string; // as q names the field: eventType, payload.customer.id
  label: string;
  /** What stands in the cell; "" where the event has none. */
  text: (event: Event, zone: string) => string;
  width: number; // in pixels, unless the table has room to give
  mono?: boolean;
}

const own = (id: string, label: string, width: number, mono = false): Column => ({
  id,
  label,
  width,
  mono,
  text: (event) => textOf(event[id]),
});

const time = (id: "createdAt" | "ingestedAt", label: string): Column => ({
  id,
  label,
  width: 176,
  mono: true,
  text: (event, zone) => stamp(event[id], zone),
});

/** The columns that every event can fill. Those of payloads are made by columnOf. */
export const columns: readonly Column[] = [
  time("createdAt", "Time"),
  own("severity", "Severity", 88),
  own("eventType", "Type", 152),
  own("category", "Category", 90),
  own("source", "Source", 104),
  own("actorId", "Actor", 132),
  own("actorType", "Actor type", 100),
  own("actorName", "Actor name", 140),
  own("actorEmail", "Actor email", 200),
  own("targetId", "Target", 136),
  own("targetType", "Target type", 110),
  own("correlationId", "Correlation", 170, true),
  own("ipAddress", "IP address", 140, true),
  own("userAgent", "User agent", 240),
  own("eventId", "Event id", 190, true),
  time("ingestedAt", "Ingested"),
  { id: "payload", label: "Payload", width: 240, mono: true, text: (event) => summary(event.payload) },
];

/** What a list shows unless somebody chose. */
export const defaultColumns = ["createdAt", "severity", "eventType", "source", "actorId", "targetId", "payload"];

const byId = new Map(columns.map((column) => [column.id, column]));

/** columnOf returns the column of a field's name: one of columns, payload.PATH, or a member that Daybook doesn't know. */
export function columnOf(id: string): Column {
  let column = byId.get(id);
  if (!column) {
    const path = pathIn(id);
    column = path
      ? { id, label: path.join("."), width: 160, text: (event) => textOf(at(event.payload, path)) }
      : own(id, id, 160);
    byId.set(id, column);
  }
  return column;
}

/** pathIn returns the keys that payload.PATH names, with its backslashes resolved; null for other names. */
export function pathIn(name: string): string[] | null {
  const rest = /^(?:payload|attr)\.(.+)$/s.exec(name)?.[1];
  if (rest === undefined) return null;
  const keys: string[] = [];
  let key = "";
  for (let i = 0; i < rest.length; i++) {
    if (rest[i] === "\\" && i + 1 < rest.length) key += rest[++i];
    else if (rest[i] === ".") {
      keys.push(key);
      key = "";
    } else key += rest[i];
  }
  keys.push(key);
  return keys;
}

/** at returns what keys lead to in a payload. */
export function at(payload: Json | undefined, keys: readonly string[]): Json | undefined {
  let value: Json | undefined = payload;
  for (const key of keys) {
    if (value === null || typeof value !== "object" || Array.isArray(value) || !Object.hasOwn(value, key))
      return undefined;
    value = value[key];
  }
  return value;
}

/** textOf writes a value for people: texts as they are, lists of them with commas, what is nested as JSON. */
export function textOf(value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value) && value.every((one) => one === null || typeof one !== "object"))
    return value.map(textOf).join(", ");
  return JSON.stringify(value);
}

/** summary writes a payload in a line: amount 450 · currency USD. */
export function summary(payload: Json): string {
  if (payload === null || typeof payload !== "object" || Array.isArray(payload)) return textOf(payload);
  return Object.entries(payload)
    .map(([key, value]) => `${key} ${textOf(value)}`)
    .join(" · ");
}
