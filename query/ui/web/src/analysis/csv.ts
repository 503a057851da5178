import { second } from "../state/time.ts";
import type { Shape } from "./shape.ts";
import { measureName } from "./state.ts";

/**
 * inert keeps spreadsheets from taking a text for a formula, as exports do (pkg/event/csv.go): such a
 * text gets an apostrophe in front, and so does one that begins with an apostrophe.
 */
export function inert(text: string): string {
  return /^[=+\-@\t\r\n'＝＋－＠]/.test(text) ? `'${text}` : text;
}

/** cell writes a text as RFC 4180 has it. */
function cell(text: string): string {
  return /[",\r\n]|^ | $/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** number writes a value of a measure: it is a number, and so no formula, whatever its sign. */
function number(value: number | null | undefined): string {
  return value === null || value === undefined ? "" : String(value);
}

/** zoned writes a time with the zone's offset: 2026-03-29T01:00:00+01:00. */
export function zoned(at: number, zone: string): string {
  const local = second(at, zone).replace(" ", "T");
  const minutes = (Date.parse(`${local}Z`) - Math.floor(at / 1000) * 1000) / 60_000;
  const [sign, size] = minutes < 0 ? ["-", -minutes] : ["+", minutes];
  const two = (n: number) => String(Math.floor(n)).padStart(2, "0");
  return `${local}${sign}${two(size / 60)}:${two(size % 60)}`;
}

/**
 * csvOf writes an answer as CSV by RFC 4180: a row for each group, or for each bucket of each group. Times are
 * the bucket's beginning. What is not among the top groups has "true" in the column other.
 */
export function csvOf(shape: Shape): string {
  const { by, measures } = shape.analysis;
  const timed = shape.buckets.length > 0;
  const other = shape.lines.some((line) => line.other);
  const names = measures.map(measureName);
  const head = [
    ...(timed ? ["start"] : []),
    ...by,
    ...(other ? ["other"] : []),
    ...names,
    ...(shape.before ? names.map((name) => `${name}, period before`) : []),
  ].map(inert);
  const rows: string[][] = [head];
  for (const line of shape.lines) {
    const group = [...by.map((_, i) => inert(line.values[i] ?? "")), ...(other ? [line.other ? "true" : ""] : [])];
    if (!timed) {
      const before = shape.before ? measures.map((_, i) => number(line.totalsBefore?.[i])) : [];
      rows.push([...group, ...measures.map((_, i) => number(line.totals[i])), ...before]);
      continue;
    }
    shape.buckets.forEach((bucket, at) => {
      const values = measures.map((_, i) => number(line.points[i]?.[at]));
      const before = shape.before ? measures.map((_, i) => number(line.before?.[i]?.[at])) : [];
      rows.push([zoned(bucket.start, shape.zone), ...group, ...values, ...before]);
    });
  }
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** fileName is a name for what is saved of an analysis. */
export function fileName(title: string, shape: Shape, extension: string): string {
  const day = (at: number) => second(at, shape.zone).slice(0, 10);
  const words = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 60);
  return `${words}-${day(shape.range.from)}-to-${day(shape.range.to)}.${extension}`;
}
