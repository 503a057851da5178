import uPlot from "uplot";
import { compact, measure as measured } from "../../state/numbers.ts";
import { ticks, widthOf } from "../calendar.ts";
import { type Bucket, isPartial } from "../shape.ts";
import { heightOf, isolatedAt, spread, stacked, sumBefore } from "./geometry.ts";
import type { Drawn } from "./look.ts";
import { clipped, colour, font, mark, texture } from "./paint.ts";

/** PlotModel is what a chart shows. */
export interface PlotModel {
  buckets: Bucket[];
  bucket: string; // its name
  zone: string;
  drawn: Drawn[];
  bars: boolean;
  join: boolean; // lines go on over buckets without a value
  whole: boolean; // values are whole numbers
  hasBefore: boolean;
}

/** What stands out while somebody points at it; changed between drawings. */
export interface Emphasis {
  series: string | null; // the key of an entry
}

const small = 12;
const labelRoom = 150;

/** middleOf is where a bucket's value stands on the axis of time. */
function middleOf({ start, end }: Bucket): number {
  return (start + end) / 2;
}

/** dataOf returns the chart's values: of the series, then those of the period before. */
export function dataOf({ buckets, drawn, hasBefore, bars }: PlotModel): uPlot.AlignedData {
  const before = hasBefore && !bars ? drawn.map((one) => one.before ?? buckets.map(() => null)) : [];
  return [buckets.map(middleOf), ...drawn.map((one) => one.values), ...before];
}

const wholeSteps = Array.from({ length: 16 }, (_, i) => [10 ** i, 2 * 10 ** i, 5 * 10 ** i]).flat();

/** optionsOf returns how uPlot draws a model: scales, axes and lines are its own, bars, marks and labels are drawn here. */
export function optionsOf(
  model: PlotModel,
  size: { width: number; height: number },
  emphasis: Emphasis,
  more: Pick<uPlot.Options, "cursor" | "hooks">,
): uPlot.Options {
  const { buckets, drawn, zone } = model;
  const first = buckets[0] as Bucket;
  const last = buckets.at(-1) as Bucket;
  const segments = model.bars ? stacked(drawn, buckets.length) : [];
  const sums = model.bars && model.hasBefore ? sumBefore(drawn, buckets.length) : [];
  const heights = model.bars
    ? [...segments.flatMap((bar) => bar.map(({ to }) => to)), ...sums]
    : drawn.flatMap(({ values, before }) => [...values, ...(before ?? [])]);
  const labelled = !model.bars && size.width >= 680 && drawn.length > 1 && drawn.length <= 10;
  const line = colour("--line");
  const muted = colour("--muted");
  const axis = {
    stroke: muted,
    font: font(small),
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1, size: 4 },
  };
  const faded = (entry: string) => emphasis.series !== null && emphasis.series !== entry;
  const lines: uPlot.Series[] = drawn.map(({ entry }) => ({
    stroke: () => colour(entry.look.line),
    width: 2,
    spanGaps: model.join,
    points: { show: false },
    ...(model.bars && { paths: () => null }),
  }));
  const linesBefore: uPlot.Series[] =
    model.hasBefore && !model.bars
      ? drawn.map(({ entry }) => ({
          stroke: () => colour(entry.look.line),
          width: 1.5,
          dash: [4, 4],
          spanGaps: model.join,
          points: { show: false },
        }))
      : [];
  return {
    ...size,
    padding: [18, labelled ? labelRoom : 12, 0, 4],
    legend: { show: false },
    scales: {
      x: { time: false, range: [first.start, last.end] },
      y: { range: heightOf(heights) },
    },
    axes: [
      {
        ...axis,
        size: 44,
        grid: { show: false },
        splits: (u) =>
          ticks(first.start, last.end, Math.max(2, u.width / 95), zone, widthOf(model.bucket) ?? { fixed: 1000 }).map(
            ({ at }) => at,
          ),
        values: (u) =>
          ticks(first.start, last.end, Math.max(2, u.width / 95), zone, widthOf(model.bucket) ?? { fixed: 1000 }).map(
            ({ text }) => text,
          ),
      },
      {
        ...axis,
        space: 40,
        size: (u, values) => Math.max(36, widest(u, values) + 16),
        values: (_, splits) => splits.map((value) => (Math.abs(value) >= 10_000 ? compact(value) : measured(value))),
        ...(model.whole && { incrs: wholeSteps }),
      },
    ],
    series: [{}, ...lines, ...linesBefore],
    ...more,
    hooks: {
      ...more.hooks,
      drawClear: [(u) => paintPartial(u, buckets)],
      drawSeries: [
        (u, n) => {
          const one = drawn[n - 1];
          if (one && !model.bars) paintMarks(u, model, one, n, faded(one.entry.key));
        },
      ],
      draw: [
        (u) => {
          if (model.bars) paintBars(u, model, segments, faded);
          if (sums.length > 0) paintSteps(u, buckets, sums);
          if (labelled) paintLabels(u, drawn, faded);
          paintPartialText(u, buckets);
        },
      ],
    },
  };
}

/** emphasize draws a chart again with another series standing out. */
export function emphasize(u: uPlot, model: PlotModel, emphasis: Emphasis, series: string | null) {
  if (emphasis.series === series) return;
  emphasis.series = series;
  u.series.forEach((one, n) => {
    if (n === 0) return;
    const key = model.drawn[(n - 1) % model.drawn.length]?.entry.key;
    one.alpha = series === null || series === key ? 1 : 0.35;
  });
  u.redraw(false);
}

function widest(u: uPlot, values: string[] | null): number {
  u.ctx.save();
  u.ctx.font = font(small);
  const most = Math.max(0, ...(values ?? []).map((text) => u.ctx.measureText(text).width));
  u.ctx.restore();
  return most;
}

/** inside runs a drawing that keeps to the plot. */
function inside(u: uPlot, run: (context: CanvasRenderingContext2D, ratio: number) => void) {
  const { left, top, width, height } = u.bbox;
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(left, top, width, height);
  u.ctx.clip();
  run(u.ctx, uPlot.pxRatio);
  u.ctx.restore();
}

function paintPartial(u: uPlot, buckets: Bucket[]) {
  inside(u, (context) => {
    context.fillStyle = colour("--partial");
    for (const bucket of [buckets[0], ...(buckets.length > 1 ? [buckets.at(-1)] : [])]) {
      if (!bucket || !isPartial(bucket)) continue;
      const from = u.valToPos(bucket.start, "x", true);
      context.fillRect(from, u.bbox.top, u.valToPos(bucket.end, "x", true) - from, u.bbox.height);
    }
  });
}

/** paintPartialText says above the plot that a bucket is not whole. */
function paintPartialText(u: uPlot, buckets: Bucket[]) {
  const ratio = uPlot.pxRatio;
  const context = u.ctx;
  const { left, top, width } = u.bbox;
  const last = buckets.at(-1) as Bucket;
  const begun = isPartial(buckets[0] as Bucket);
  const open = buckets.length > 1 && isPartial(last);
  if (!begun && !open) return;
  context.save();
  context.font = font(11 * ratio);
  context.fillStyle = colour("--muted");
  context.textBaseline = "bottom";
  context.textAlign = "left";
  const until = last.end > Date.now() ? "so far" : "in part";
  if (begun) context.fillText(buckets.length > 1 ? "in part" : until, left, top - 3 * ratio);
  if (open) {
    context.textAlign = "right";
    context.fillText(until, left + width, top - 3 * ratio);
  }
  context.restore();
}

/** paintMarks draws the shape of a series along its line, and where a value stands alone. */
function paintMarks(u: uPlot, model: PlotModel, one: Drawn, n: number, faded: boolean) {
  const { buckets, drawn } = model;
  const ratio = uPlot.pxRatio;
  const apart = u.bbox.width / ratio / buckets.length;
  const every = Math.max(1, Math.ceil((drawn.length > 1 ? 64 : 28) / apart));
  // Series take turns, so that marks of lines which lie on each other don't.
  const turn = Math.floor((every * (n - 1)) / drawn.length);
  inside(u, (context) => {
    if (faded) context.globalAlpha = 0.35;
    one.values.forEach((value, at) => {
      if (value === null || (at % every !== turn && !isolatedAt(one.values, at))) return;
      const x = u.valToPos(middleOf(buckets[at] as Bucket), "x", true);
      mark(
        context,
        one.entry.look.shape,
        { x, y: u.valToPos(value, "y", true) },
        9 * ratio,
        colour(one.entry.look.line),
      );
    });
  });
}

function paintBars(
  u: uPlot,
  { buckets, drawn }: PlotModel,
  bars: ReturnType<typeof stacked>,
  faded: (entry: string) => boolean,
) {
  inside(u, (context, ratio) => {
    bars.forEach((bar, at) => {
      const bucket = buckets[at] as Bucket;
      const from = u.valToPos(bucket.start, "x", true);
      const room = u.valToPos(bucket.end, "x", true) - from;
      const gap = Math.min(room * 0.2, 6 * ratio);
      const [left, width] = [from + gap / 2, Math.max(room - gap, ratio)];
      for (const segment of bar) {
        const entry = drawn[segment.series]?.entry;
        if (!entry) continue;
        const [a, b] = [u.valToPos(segment.from, "y", true), u.valToPos(segment.to, "y", true)];
        const [top, height] = [Math.min(a, b), Math.max(Math.abs(a - b), ratio)];
        context.globalAlpha = faded(entry.key) ? 0.35 : 1;
        context.fillStyle = colour(width < 4 * ratio ? entry.look.line : entry.look.area);
        context.fillRect(left, top, width, height);
        if (width < 6 * ratio) continue;
        const pattern = texture(context, segment.series, ratio);
        if (pattern && height > 3 * ratio) {
          context.fillStyle = pattern;
          context.fillRect(left, top, width, height);
        }
        context.strokeStyle = colour(entry.look.line);
        context.lineWidth = ratio;
        context.strokeRect(left + ratio / 2, top + ratio / 2, width - ratio, Math.max(0, height - ratio));
      }
    });
  });
}

/** paintSteps draws the whole of the period before over stacked bars. */
function paintSteps(u: uPlot, buckets: Bucket[], sums: (number | null)[]) {
  inside(u, (context, ratio) => {
    context.beginPath();
    let open = false;
    sums.forEach((sum, at) => {
      if (sum === null) {
        open = false;
        return;
      }
      const bucket = buckets[at] as Bucket;
      const y = u.valToPos(sum, "y", true);
      const x = u.valToPos(bucket.start, "x", true);
      if (open) context.lineTo(x, y);
      else context.moveTo(x, y);
      context.lineTo(u.valToPos(bucket.end, "x", true), y);
      open = true;
    });
    // A rim keeps it from the bars.
    context.setLineDash([]);
    context.strokeStyle = colour("--surface");
    context.lineWidth = 4 * ratio;
    context.stroke();
    context.setLineDash([4 * ratio, 4 * ratio]);
    context.strokeStyle = colour("--text");
    context.lineWidth = 2 * ratio;
    context.stroke();
  });
}

/** paintLabels names lines where they end. */
function paintLabels(u: uPlot, drawn: Drawn[], faded: (entry: string) => boolean) {
  const ratio = uPlot.pxRatio;
  const { left, top, width, height } = u.bbox;
  const ends = drawn.flatMap((one) => {
    const value = one.values.findLast((found) => found !== null);
    return value === undefined || value === null ? [] : [{ one, y: u.valToPos(value, "y", true) }];
  });
  const places = spread(
    ends.map(({ y }) => y),
    15 * ratio,
    top + 4 * ratio,
    top + height - 2 * ratio,
  );
  const context = u.ctx;
  context.save();
  context.font = font(small * ratio);
  context.textBaseline = "middle";
  context.textAlign = "left";
  ends.forEach(({ one, y }, i) => {
    const place = places[i] as number;
    const look = one.entry.look;
    context.globalAlpha = faded(one.entry.key) ? 0.5 : 1;
    context.strokeStyle = colour(look.line);
    context.lineWidth = ratio;
    context.setLineDash([]);
    context.beginPath();
    context.moveTo(left + width, y);
    context.lineTo(left + width + 8 * ratio, place);
    context.stroke();
    mark(context, look.shape, { x: left + width + 14 * ratio, y: place }, 9 * ratio, colour(look.line));
    context.fillStyle = colour("--text");
    context.fillText(clipped(context, one.label, (labelRoom - 28) * ratio), left + width + 23 * ratio, place);
  });
  context.restore();
}
