import { severities } from "../api/types.ts";
import { condition, quote, type Term, terms, without } from "./language.ts";

// Conditions on single values, as facets and legends switch them: several values of
// one field are alternatives, field:(a OR b), for an event has one.

const short: Record<string, string> = {
  id: "eventId",
  type: "eventType",
  actor: "actorId",
  target: "targetId",
  correlation: "correlationId",
  ip: "ipAddress",
  time: "createdAt",
};

/** canonical returns the whole name of a field that q also takes shortly: type is eventType. */
export function canonical(field: string): string {
  if (field.startsWith("attr.")) return `payload.${field.slice("attr.".length)}`;
  return short[field] ?? field;
}

/** How q stands to a value of a field. */
export type Standing = "included" | "excluded" | null;

/** A term that names values of a field one by one. */
interface Listed {
  term: Term;
  values: string[];
}

/** literal returns the value that is written, and null where it is a pattern, a comparison or a range. */
function literal(written: string): string | null {
  if (/^"(?:[^"\\]|\\.)*"$/s.test(written)) return written.slice(1, -1).replace(/\\(["\\])/g, "$1");
  if (/[\s*()"]|\.\./.test(written) || /^[<>]/.test(written)) return null;
  return written.replace(/\\(.)/g, "$1");
}

/** valuesOf returns the values that a term names one by one, and null where it does more than that. */
function valuesOf(field: string, written: string): string[] | null {
  const group = /^\((.*)\)$/s.exec(written)?.[1];
  const parts = group === undefined ? [written] : group.trim().split(/\s+OR\s+/);
  const values: string[] = [];
  for (const part of parts) {
    if (field === "severity" && part.endsWith("+")) {
      const least = (severities as readonly string[]).indexOf(part.slice(0, -1).toUpperCase());
      if (least < 0) return null;
      values.push(...severities.slice(least));
      continue;
    }
    const value = literal(part);
    if (value === null) return null;
    values.push(field === "severity" ? value.toUpperCase() : value);
  }
  return values;
}

function listed(q: string, field: string): Listed[] {
  const name = canonical(field);
  const found: Listed[] = [];
  for (const term of terms(q) ?? []) {
    if (term.field === null || term.value === null || canonical(term.field) !== name) continue;
    const values = valuesOf(name, term.value);
    if (values) found.push({ term, values });
  }
  return found;
}

/** standing says whether q requires or excludes a value of a field. */
export function standing(q: string, field: string, value: string): Standing {
  for (const { term, values } of listed(q, field))
    if (values.includes(value)) return term.excluded ? "excluded" : "included";
  return null;
}

/** standings returns the values of a field that q names, and how it stands to them. */
export function standings(q: string, field: string): Map<string, Exclude<Standing, null>> {
  const found = new Map<string, Exclude<Standing, null>>();
  for (const { term, values } of listed(q, field))
    for (const value of values) found.set(value, term.excluded ? "excluded" : "included");
  return found;
}

function write(field: string, values: string[], excluded: boolean): string {
  const written = [...new Set(values)].map(quote);
  return `${excluded ? "-" : ""}${field}:${written.length === 1 ? written[0] : `(${written.join(" OR ")})`}`;
}

function append(q: string, added: string): string {
  return q ? `${q} ${added}` : added;
}

/** replaced returns q with a term written anew in its place. */
function replaced(q: string, term: Term, text: string): string {
  return `${q.slice(0, term.from)}${text}${q.slice(term.to)}`.trim();
}

/** toggled returns q with a value included or excluded, and without that where it was. */
export function toggled(q: string, field: string, value: string, excluded: boolean): string {
  if (terms(q) === null) return `(${q.trim()}) ${condition(field, value, excluded)}`;
  const before = standing(q, field, value);
  let rest = q.trim();
  // From the last to the first, so that the places of those before stay right.
  for (const { term, values } of listed(rest, field).reverse()) {
    if (!values.includes(value)) continue;
    const left = values.filter((one) => one !== value);
    rest =
      left.length > 0 ? replaced(rest, term, write(term.field as string, left, term.excluded)) : without(rest, term);
  }
  if (before === (excluded ? "excluded" : "included")) return rest;
  if (excluded) return append(rest, condition(field, value, true));
  const open = listed(rest, field).findLast(({ term }) => !term.excluded);
  if (!open) return append(rest, condition(field, value));
  return replaced(rest, open.term, write(open.term.field as string, [...open.values, value], false));
}

/** missing is the condition that a field has no value. */
export function missing(field: string): string {
  return `-${field}:*`;
}

/** withoutField returns q without what it says of single values of a field; q itself where it says nothing of them. */
export function withoutField(q: string, field: string): string {
  let rest = q.trim();
  for (const { term } of listed(rest, field).reverse()) rest = without(rest, term);
  return rest;
}
