import type { Field } from "../api/types.ts";
import { canonical } from "../query/conditions.ts";
import { type AtCaret, quote } from "../query/language.ts";

/** Completion is something that could stand at the caret. */
export interface Completion {
  insert: string; // what takes the place of the word at the caret
  label: string;
  detail: string;
}

/** What a day's work needs of times; any other form is described by the help. */
const times: Completion[] = [
  { insert: ">now-1h", label: ">now-1h", detail: "within the last hour" },
  { insert: "now-1d..now", label: "now-1d..now", detail: "within the last 24 hours" },
  { insert: ">=now/d", label: ">=now/d", detail: "today" },
];

const severityForms: Completion[] = [
  { insert: "WARN+", label: "WARN+", detail: "WARN and worse" },
  { insert: "ERROR+", label: "ERROR+", detail: "ERROR and worse" },
];

/** percent writes a share of events, and never calls some none. */
function percent(share: number): string {
  return share > 0 && share < 0.01 ? "<1 %" : `${Math.round(share * 100)} %`;
}

/** rank says how well a name fits what is typed: the lower, the better; null: not at all. */
function rank(field: Field, typed: string): number | null {
  const name = field.name.toLowerCase();
  const wanted = typed.toLowerCase();
  if (field.short?.startsWith(wanted) || name.startsWith(wanted)) return 0;
  if (name.split(".").some((part) => part.startsWith(wanted))) return 1;
  return name.includes(wanted) ? 2 : null;
}

/** fieldsLike returns the fields that fit what is typed, the best first. */
export function fieldsLike(fields: readonly Field[], typed: string): Field[] {
  return fields
    .map((field) => [rank(field, typed), field] as const)
    .filter((pair): pair is readonly [number, Field] => pair[0] !== null)
    .sort(([a], [b]) => a - b)
    .map(([, field]) => field);
}

/** names completes the name of a field. */
export function names(fields: readonly Field[], typed: string): Completion[] {
  return fieldsLike(fields, typed).map((field) => ({
    insert: `${field.name}:`,
    label: field.short ? `${field.name} (${field.short})` : field.name,
    detail: `${percent(field.share)} · ${field.examples.slice(0, 2).join(", ")}`,
  }));
}

/** values completes the value of a field, from those that events have and the forms that the field takes. */
export function values(at: AtCaret, found: readonly { value: string; count: number }[]): Completion[] {
  const field = canonical(at.field);
  const typed = at.typed.toLowerCase();
  const forms = field === "severity" ? severityForms : field === "createdAt" || field === "ingestedAt" ? times : [];
  return [
    ...found.map(({ value, count }) => ({
      insert: quote(value),
      label: value,
      detail: count.toLocaleString("en"),
    })),
    ...forms.filter(({ insert }) => insert.toLowerCase().startsWith(typed)),
  ];
}

/** hasValues reports whether the server can be asked for values of what stands at the caret. */
export function hasValues(at: AtCaret): boolean {
  const field = canonical(at.field);
  return field !== "createdAt" && field !== "ingestedAt" && !/^[<>]|\.\.|[*+]$/.test(at.typed);
}

/** completed returns q with a completion in its place, and where the caret goes. A value is done; a name waits for its value. */
export function completed(q: string, at: AtCaret, { insert }: Completion): { q: string; caret: number } {
  const done = at.kind === "value" && (q[at.to] === undefined || q[at.to] === " ");
  const behind = done ? q.slice(at.to).replace(/^ /, "") : q.slice(at.to);
  const before = q.slice(0, at.from) + insert + (done ? " " : "");
  return { q: before + behind, caret: before.length };
}
