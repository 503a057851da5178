const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat("en", { maximumSignificantDigits: 5 });

/** count writes a number with its thousands apart: 12,345. */
export function count(n: number): string {
  return whole.format(n);
}

/** events writes a number of events: 1 event, 12,345 events. */
export function events(n: number): string {
  return `${whole.format(n)} ${n === 1 ? "event" : "events"}`;
}

/** compact writes a number in little room: 12.3K. */
export function compact(n: number): string {
  return short.format(n);
}

/** measure writes a measured value with what matters of it. */
export function measure(n: number | null | undefined): string {
  if (n === null || n === undefined) return "–";
  return Number.isInteger(n) ? whole.format(n) : fine.format(n);
}

/** bytes writes a size: 1.5 MiB. */
export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let amount = n;
  let unit = 0;
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${unit === 0 ? amount : amount.toFixed(1)} ${units[unit]}`;
}
