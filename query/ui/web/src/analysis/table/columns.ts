import type { Entry } from "../chart/look.ts";
import { addsUp, change, type Shape } from "../shape.ts";
import { measureName } from "../state.ts";

/** Column is one of numbers in the table of series. */
export interface Column {
  id: string; // as the address sorts by it
  kind: "total" | "share" | "before" | "change";
  name: string;
  measure: number | null; // null: each row's own
}

/** columnsOf returns the columns of numbers: of each measure, or one for all where the rows are measures. */
export function columnsOf(shape: Shape): Column[] {
  const { by, measures } = shape.analysis;
  const grouped = by.length > 0;
  const several = grouped ? measures.map((_, i) => i) : [null];
  return several.flatMap((measure) => {
    const i = measure ?? 0;
    const one = measures[i];
    const name = grouped && one ? measureName(one) : "value";
    const columns: Column[] = [{ id: `m${i}`, kind: "total", name, measure }];
    if (grouped && one && addsUp(one.op)) columns.push({ id: `s${i}`, kind: "share", name: "share", measure });
    if (shape.before)
      columns.push(
        { id: `b${i}`, kind: "before", name: "before", measure },
        { id: `c${i}`, kind: "change", name: "change", measure },
      );
    return columns;
  });
}

/** numberIn returns what a row has in a column; null where there is none. */
export function numberIn(shape: Shape, entry: Entry, { kind, measure }: Column): number | null {
  const i = measure ?? entry.measure ?? 0;
  const total = entry.line.totals[i] ?? null;
  const before = entry.line.totalsBefore?.[i] ?? null;
  switch (kind) {
    case "total":
      return total;
    case "share": {
      const all = shape.totals[i];
      return total !== null && all ? total / all : null;
    }
    case "before":
      return before;
    default:
      return change(total, before);
  }
}

/** sorted returns the rows in the order that the address says: by a column, or by a field of the groups as d0. What is not among the top groups stays last. */
export function sorted(shape: Shape, entries: readonly Entry[], sort: string): Entry[] {
  const down = sort.startsWith("-");
  const id = down ? sort.slice(1) : sort;
  const column = columnsOf(shape).find((one) => one.id === id);
  const field = /^d(\d)$/.exec(id)?.[1];
  if (!column && field === undefined) return [...entries];
  const compare = (a: Entry, b: Entry) => {
    if (a.line.other !== b.line.other) return a.line.other ? 1 : -1;
    if (!column) {
      const text = (entry: Entry) => (entry.measure === null ? (entry.line.values[Number(field)] ?? "") : entry.label);
      return text(a).localeCompare(text(b), "en", { numeric: true }) * (down ? -1 : 1);
    }
    const [x, y] = [numberIn(shape, a, column), numberIn(shape, b, column)];
    // What has no number comes last in both directions.
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return (x - y) * (down ? -1 : 1);
  };
  return [...entries].sort(compare);
}

/** nextSort returns what a press on a column's head makes of the order: numbers begin with the largest. */
export function nextSort(sort: string, id: string): string | null {
  const steps = id.startsWith("d") ? [id, `-${id}`] : [`-${id}`, id];
  const at = steps.indexOf(sort);
  return steps[at + 1] ?? null;
}
