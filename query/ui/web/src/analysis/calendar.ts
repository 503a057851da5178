import { second } from "../state/time.ts";

// Buckets of time as the server makes them (query/aggregate/bucket.go), and the
// places of an axis: both begin where the clocks of a zone say.

/** Width is a width of time: a fixed one that divides a day, in milliseconds, or a number of days or months. */
export interface Width {
  fixed?: number;
  days?: number;
  months?: number;
}

const s = 1000;
const m = 60 * s;
const h = 60 * m;
const d = 24 * h;

/** widthOf reads the name of a bucket: 15m, 1d, 1w, 1mo. */
export function widthOf(name: string): Width | null {
  const match = /^(\d+)(s|m|h|d|w|mo)$/.exec(name);
  if (!match) return null;
  const n = Number(match[1]);
  switch (match[2]) {
    case "s":
      return { fixed: n * s };
    case "m":
      return { fixed: n * m };
    case "h":
      return { fixed: n * h };
    case "d":
      return { days: n };
    case "w":
      return { days: 7 * n };
    default:
      return { months: n };
  }
}

const unitNames: Record<string, string> = { s: "second", m: "minute", h: "hour", d: "day", w: "week", mo: "month" };

/** bucketWords writes the name of a bucket in words: 5 minutes, hour. */
export function bucketWords(name: string): string {
  const [, n, unit] = /^(\d+)(s|m|h|d|w|mo)$/.exec(name) ?? [];
  const words = unitNames[unit ?? ""];
  if (!words) return name;
  return n === "1" ? words : `${n} ${words}s`;
}

/** about is about how long a width is, in milliseconds. */
export function about(width: Width): number {
  return (width.fixed ?? 0) + (width.days ?? 0) * d + (width.months ?? 0) * 30 * d;
}

/** localDay returns the day that clocks in the zone show, as the time at which it begins in UTC. */
function localDay(at: number, zone: string): number {
  return Date.parse(`${second(at, zone).slice(0, 10)}T00:00:00Z`);
}

/** startOfDay returns the first instant of a day, which is given by its beginning in UTC: not midnight where clocks go forward over it. */
export function startOfDay(day: number, zone: string): number {
  // Whole seconds, of which zones' offsets are made.
  let before = day - 28 * h;
  let after = day + 28 * h;
  // Most often the offset is the same at both ends, and midnight where it says.
  const offset = offsetAt(before, zone);
  if (offset === offsetAt(after, zone)) return day - offset;
  while (after - before > s) {
    const middle = before + Math.floor((after - before) / 2 / s) * s;
    if (localDay(middle, zone) >= day) after = middle;
    else before = middle;
  }
  return after;
}

function offsetAt(at: number, zone: string): number {
  return Date.parse(`${second(at, zone).replace(" ", "T")}Z`) - Math.floor(at / s) * s;
}

/** firstDay returns the day with which the bucket of a day begins, of a width of days or months. */
function firstDay(day: number, width: Width): number {
  const date = new Date(day);
  if (width.months)
    return Date.UTC(date.getUTCFullYear(), Math.floor(date.getUTCMonth() / width.months) * width.months, 1);
  if (width.days === 7) return day - ((date.getUTCDay() + 6) % 7) * d;
  // Several days are counted from one of long ago, so that they stay where they are when a range moves.
  return day - ((day / d) % (width.days ?? 1)) * d;
}

function nextDay(day: number, width: Width): number {
  const date = new Date(day);
  if (width.months) return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + width.months, 1);
  return day + (width.days ?? 1) * d;
}

/** edges returns where buckets of a width begin and end that a range overlaps, one bucket at least. At most `limit` of them. */
export function edges(from: number, to: number, width: Width, zone: string, limit = 10_001): number[] {
  let day = localDay(from, zone);
  if (width.fixed) return fixedEdges(from, to, width.fixed, day, zone, limit);
  day = firstDay(day, width);
  const found = [startOfDay(day, zone)];
  do {
    day = nextDay(day, width);
    found.push(startOfDay(day, zone));
  } while ((found.at(-1) as number) < to && found.length < limit);
  return found;
}

// Hours and less count from the beginning of the day, whatever clocks do that day.
function fixedEdges(from: number, to: number, width: number, firstDay: number, zone: string, limit: number): number[] {
  let day = firstDay;
  let midnight = startOfDay(day, zone);
  let tomorrow = startOfDay(day + d, zone);
  let at = midnight + Math.floor((from - midnight) / width) * width;
  const found = [at];
  do {
    at = Math.min(at + width, tomorrow);
    if (at === tomorrow) {
      day += d;
      midnight = tomorrow;
      tomorrow = startOfDay(day + d, zone);
    }
    found.push(at);
  } while (at < to && found.length < limit);
  return found;
}

const tickWidths = [
  "1s",
  "5s",
  "15s",
  "30s",
  "1m",
  "5m",
  "15m",
  "30m",
  "1h",
  "3h",
  "6h",
  "12h",
  "1d",
  "2d",
  "1w",
  "1mo",
  "3mo",
  "6mo",
  "12mo",
];

export interface Tick {
  at: number;
  text: string; // of one line, or two
}

/**
 * ticks returns places of a time axis that begin hours, days or months of the zone, and what to write there: at
 * most about `room` of them, and none between the ends of a bucket.
 */
export function ticks(from: number, to: number, room: number, zone: string, bucket: Width): Tick[] {
  const least = Math.max(about(bucket), (to - from) / room);
  const width = tickWidths.map((name) => widthOf(name) as Width).find((one) => about(one) >= least) ?? { months: 12 };
  const places = edges(from, to, width, zone, 1000).filter((at) => at >= from && at <= to);
  let before = "";
  return places.map((at) => {
    const [time, date] = tickText(at, width, zone);
    const text = date === before ? time : `${time}\n${date}`;
    before = date;
    return { at, text };
  });
}

function tickText(at: number, width: Width, zone: string): [string, string] {
  const clock = second(at, zone); // 2026-04-17 14:32:01
  const date = new Date(`${clock.slice(0, 10)}T00:00:00Z`);
  const part = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options }).format(date);
  if (width.fixed)
    return [clock.slice(11, width.fixed < m ? 19 : 16), part({ weekday: "short", day: "numeric", month: "short" })];
  if (width.days) return [part({ day: "numeric", month: "short" }), clock.slice(0, 4)];
  return [part({ month: "short" }), clock.slice(0, 4)];
}

/** span writes a range of time shortly: 2026-04-17 14:00 – 15:00. Seconds are left out where there are none. */
export function span(from: number, to: number, zone: string): string {
  const [a, b] = [second(from, zone), second(to, zone)];
  const short = (text: string) => (a.endsWith(":00") && b.endsWith(":00") ? text.slice(0, -3) : text);
  if (a.endsWith(" 00:00:00") && b.endsWith(" 00:00:00")) {
    const last = second(to - 1, zone).slice(0, 10);
    return a.startsWith(last) ? last : `${a.slice(0, 10)} – ${last}`;
  }
  return a.slice(0, 10) === b.slice(0, 10) ? `${short(a)} – ${short(b.slice(11))}` : `${short(a)} – ${short(b)}`;
}
