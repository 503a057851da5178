let local: string | undefined;

/** localZone is the browser's IANA time zone, as it was when the page was opened: asking for it takes long. */
export function localZone(): string {
  local ??= Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  return local;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = `${zone}|${JSON.stringify(options)}`;
  let found = formats.get(name);
  if (!found) {
    // Swedish is how Intl spells ISO 8601: 2026-04-17 14:32:01.
    found = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, hourCycle: "h23", ...options });
    formats.set(name, found);
  }
  return found;
}

/** stamp writes a time to the millisecond, in the zone: 2026-04-17 14:32:01.000. */
export function stamp(time: string | number | Date, zone: string): string {
  const at = new Date(time);
  const text = format(zone, { dateStyle: "short", timeStyle: "medium" }).format(at);
  return `${text}.${String(at.getUTCMilliseconds()).padStart(3, "0")}`;
}

/** second writes a time to the second, in the zone: 2026-04-17 14:32:01. */
export function second(time: string | number | Date, zone: string): string {
  return format(zone, { dateStyle: "short", timeStyle: "medium" }).format(new Date(time));
}

/** clock writes the time of the day alone, in the zone: 14:32:01. */
export function clock(time: string | number | Date, zone: string): string {
  return format(zone, { timeStyle: "medium" }).format(new Date(time));
}

/** day writes the date alone, in the zone: 2026-04-17. */
export function day(time: string | number | Date, zone: string): string {
  return format(zone, { dateStyle: "short" }).format(new Date(time));
}

/** ago says how long ago a time is, roughly: 3 min ago. */
export function ago(time: string | number | Date, now: number = Date.now()): string {
  const seconds = Math.round((now - new Date(time).getTime()) / 1000);
  if (seconds < 1) return "now";
  const steps: [number, string][] = [
    [60, "s"],
    [60, "min"],
    [24, "h"],
    [Number.POSITIVE_INFINITY, "d"],
  ];
  let amount = seconds;
  for (const [size, unit] of steps) {
    if (amount < size) return `${amount} ${unit} ago`;
    amount = Math.round(amount / size);
  }
  return "";
}

/** wallTime returns the instant at which clocks in the zone show the text 2026-04-17T14:32:01; NaN where it is none. */
export function wallTime(text: string, zone: string): number {
  const naive = Date.parse(`${text.replace(" ", "T")}Z`);
  if (Number.isNaN(naive)) return Number.NaN;
  // The zone's offset at about that time, and once more at the time which that gives: right but for the hour that a change of clocks takes out.
  let at = naive;
  for (let i = 0; i < 2; i++)
    at = naive - (Date.parse(`${second(at, zone).replace(" ", "T")}Z`) - Math.floor(at / 1000) * 1000);
  return at;
}

/** length writes a number of milliseconds shortly: 350 ms, 1.2 s, 3 min. */
export function length(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}
