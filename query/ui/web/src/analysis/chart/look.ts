import type { Values } from "../../api/types.ts";
import { addsUp, type Line, type Panel, type Shape } from "../shape.ts";
import { measureName, type Showing, shown } from "../state.ts";

// Every series has a colour and a shape, and keeps both when others are hidden.

/** Look is how a series is told from others: tokens of its line and its area, and a path on 16 × 16 units. */
export interface Look {
  line: string;
  area: string;
  shape: string;
}

const shapes = {
  circle: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Z",
  square: "M2.5 2.5h11v11h-11Z",
  up: "M8 1.5 15 14H1Z",
  diamond: "M8 1 15 8l-7 7-7-7Z",
  octagon: "M5 1h6l4 4v6l-4 4H5l-4-4V5Z",
  down: "M8 14.5 1 2h14Z",
  plus: "M5.5 1h5v4.5h4.5v5h-4.5v4.5h-5v-4.5H1v-5h4.5Z",
  bow: "M1.5 2 8 5.5 14.5 2v12L8 10.5 1.5 14Z",
} as const;

const cycle = [
  shapes.circle,
  shapes.square,
  shapes.up,
  shapes.diamond,
  shapes.octagon,
  shapes.down,
  shapes.plus,
  shapes.bow,
];

// As ui/severity.tsx has them.
const severityLooks: Record<string, Look> = {
  INFO: { line: "--info", area: "--info-area", shape: shapes.circle },
  WARN: { line: "--warn", area: "--warn-area", shape: shapes.up },
  ERROR: { line: "--error", area: "--error-area", shape: shapes.diamond },
  CRITICAL: { line: "--critical", area: "--critical-area", shape: shapes.octagon },
};

/** lookAt is the look of the n-th series: eight colours, and with each other shape from the ninth on. */
export function lookAt(n: number): Look {
  const token = `--series-${(n % cycle.length) + 1}`;
  return { line: token, area: token, shape: cycle[(n + Math.floor(n / cycle.length)) % cycle.length] as string };
}

function lookOf(line: Line, n: number, by: string[]): Look {
  if (line.other) return { line: "--series-other", area: "--series-other", shape: shapes.square };
  const severity = by.length === 1 && by[0] === "severity" ? severityLooks[line.values[0] ?? ""] : undefined;
  return severity ?? lookAt(n);
}

/** Entry is a series of the legend: a group, or a measure where nothing is grouped. */
export interface Entry {
  key: string;
  label: string;
  line: Line;
  measure: number | null; // null: it has one for each measure
  look: Look;
}

/** entriesOf returns what the legend lists. */
export function entriesOf(shape: Shape): Entry[] {
  const { by, measures } = shape.analysis;
  const [first] = shape.lines;
  if (by.length > 0)
    return shape.lines.map((line, n) => ({
      key: line.key,
      label: line.label,
      line,
      measure: null,
      look: lookOf(line, n, by),
    }));
  if (!first) return [];
  return measures.map((measure, n) => ({
    key: `${n}`,
    label: measureName(measure),
    line: first,
    measure: n,
    look: lookAt(n),
  }));
}

/** Drawn is a series of a chart. */
export interface Drawn {
  entry: Entry;
  label: string;
  values: Values;
  before: Values | null;
}

/** mostDrawn is how many series a chart has at most: more can't be told apart. */
export const mostDrawn = 40;

/** drawnOf returns the series of a panel that are shown, and how many there would be. */
export function drawnOf(
  shape: Shape,
  entries: Entry[],
  panel: Panel,
  showing: Showing,
): { drawn: Drawn[]; of: number } {
  const visible = entries.filter(
    (entry) => shown(showing, entry.label) && (entry.measure === null || panel.measures.includes(entry.measure)),
  );
  const drawn = visible.slice(0, mostDrawn).map((entry) => {
    const measure = entry.measure ?? (panel.measures[0] as number);
    return {
      entry,
      // Of several measures of one field, which the chart's title names, each is known by its op.
      label: panel.measures.length > 1 ? (shape.analysis.measures[measure]?.op ?? entry.label) : entry.label,
      values: entry.line.points[measure] ?? [],
      before: entry.line.before?.[measure] ?? null,
    };
  });
  return { drawn, of: visible.length };
}

/** stacks reports whether a panel's bars may stand on each other: averages and the like don't add up. */
export function stacks(shape: Shape, panel: Panel): boolean {
  return panel.measures.length === 1 && addsUp(shape.analysis.measures[panel.measures[0] as number]?.op ?? "");
}
