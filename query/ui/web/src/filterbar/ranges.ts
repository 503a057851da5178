import type { Filter } from "../state/filter.ts";
import { second, wallTime } from "../state/time.ts";

// The times of a filter: how the picker offers them, reads what is typed, and says what is chosen.

/** Range is a from and a to as the address has them; "" is open. */
export interface Range {
  from: string;
  to: string;
}

/** Named is a range that the picker offers. */
export interface Named extends Range {
  name: string;
}

/** The ranges that end now, the shortest first. Zooming out goes from each to the next. */
export const lasts: readonly Named[] = [
  { name: "Last 15 minutes", from: "now-15m", to: "" },
  { name: "Last hour", from: "now-1h", to: "" },
  { name: "Last 4 hours", from: "now-4h", to: "" },
  { name: "Last 24 hours", from: "now-24h", to: "" },
  { name: "Last 7 days", from: "now-7d", to: "" },
  { name: "Last 30 days", from: "now-30d", to: "" },
  { name: "Last 90 days", from: "now-90d", to: "" },
  { name: "Last 365 days", from: "now-365d", to: "" },
];

/** The ranges of the calendar, and no range. */
export const calendar: readonly Named[] = [
  { name: "Today", from: "now/d", to: "" },
  { name: "Yesterday", from: "now-1d/d", to: "now/d" },
  { name: "This week", from: "now/w", to: "" },
  { name: "Last week", from: "now-1w/w", to: "now/w" },
  { name: "This month", from: "now/M", to: "" },
  { name: "All that is retained", from: "", to: "" },
];

const units: Record<string, string> = {
  s: "second",
  m: "minute",
  h: "hour",
  d: "day",
  w: "week",
  M: "month",
  y: "year",
};

/** isMath reports whether a time is reckoned from now. */
export function isMath(time: string): boolean {
  return time.startsWith("now");
}

/** shown writes one time of a range as people read it: date math as it is, instants in the zone. */
export function shown(time: string, zone: string): string {
  if (!time || isMath(time)) return time;
  const at = Date.parse(time);
  if (Number.isNaN(at)) return time;
  const text = second(at, zone);
  const fraction = at % 1000;
  return fraction ? `${text}.${String(fraction).padStart(3, "0")}` : text;
}

/** described says what a range is, in words. */
export function described({ from, to }: Range, zone: string): string {
  const end = to === "now" ? "" : to;
  const named = [...lasts, ...calendar].find((one) => one.from === from && one.to === end);
  if (named) return named.name;
  const last = /^now-(\d+)([smhdwMy])$/.exec(from);
  if (last && !end) return `Last ${last[1]} ${units[last[2] as string]}${last[1] === "1" ? "" : "s"}`;
  if (!from) return `Until ${shown(end, zone)}`;
  if (!end) return `From ${shown(from, zone)} on`;
  const [start, stop] = [shown(from, zone), shown(end, zone)];
  // The day stands once where both are of it.
  const sameDay = !isMath(from) && !isMath(end) && start.slice(0, 10) === stop.slice(0, 10);
  return `${start} – ${sameDay ? stop.slice(11) : stop}`;
}

/**
 * readTime reads a time as people type it, into what the address has: date math as it is, and an instant,
 * in the zone where it names no offset, as RFC 3339. It returns null where it is neither.
 */
export function readTime(typed: string, zone: string): string | null {
  const text = typed.trim();
  if (!text) return "";
  if (isMath(text)) return /^now([+-]\d{1,6}[smhdwMy]|\/[smhdwMy])*$/.test(text) ? text : null;
  const parts = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d)?(\.\d{1,6})?)?( ?(?:Z|z|[+-]\d\d:\d\d))?$/.exec(text);
  if (!parts) return null;
  const [, date, minute = "00:00", seconds = ":00", fraction = "", offset = ""] = parts;
  const at = offset
    ? Date.parse(`${date}T${minute}${seconds}${offset.trim().toUpperCase()}`)
    : wallTime(`${date}T${minute}${seconds}`, zone);
  if (Number.isNaN(at)) return null;
  // The fraction is kept as it was typed: events have microseconds.
  return new Date(at).toISOString().replace(/\.\d+Z$/, `${fraction}Z`);
}

/** instant writes a time as the address has it. */
export function instant(at: number): string {
  return new Date(at).toISOString().replace(".000Z", "Z");
}

/** widened returns a range about twice as long around the same middle; start and end say where the range is. */
export function widened(filter: Pick<Filter, "from" | "to">, start: number, end: number, now: number): Range {
  const at = lasts.findIndex((one) => one.from === filter.from && !filter.to);
  const next = lasts[at + 1];
  if (at >= 0 && next) return { from: next.from, to: "" };
  if (at >= 0) return { from: "", to: "" };
  const half = Math.max(end - start, 1000) / 2;
  const to = end + half;
  return {
    from: instant(Math.floor((start - half) / 1000) * 1000),
    to: to >= now ? "" : instant(Math.ceil(to / 1000) * 1000),
  };
}

/** zones returns the IANA zones whose names have what is typed, the likeliest first. */
export function zones(typed: string, local: string, all: readonly string[]): string[] {
  const wanted = typed.trim().toLowerCase().replaceAll(" ", "_");
  const first = [...new Set([local, "UTC"])];
  const list = [...first, ...all.filter((zone) => !first.includes(zone))];
  if (!wanted) return list;
  const found = list.filter((zone) => zone.toLowerCase().includes(wanted));
  const begins = (zone: string) =>
    zone
      .toLowerCase()
      .split("/")
      .some((part) => part.startsWith(wanted));
  return [...found.filter(begins), ...found.filter((zone) => !begins(zone))];
}
