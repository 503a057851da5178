import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Bucket } from "../shape.ts";
import { bucketAt, stacked } from "./geometry.ts";
import { forgetColours } from "./paint.ts";
import { dataOf, type Emphasis, emphasize, optionsOf, type PlotModel } from "./plot.ts";
import { RangeActions } from "./range.tsx";
import { useTheme, useWidth } from "./surroundings.ts";
import { type Hover, spoken, Tooltip } from "./tooltip.tsx";
import "./chart.css";

export interface Range {
  first: number; // buckets
  last: number;
  left: number; // its middle, in pixels of the chart
}

/** What a chart is pointed at and drawn for. */
export interface ChartProps {
  model: PlotModel;
  title: string;
  height: number;
  /** Charts of one name show the same time together. */
  group: string;
  /** The series that stands out, as others point at it. */
  emphasis: string | null;
  /** onPick is called for a bucket, and the series in it that was pointed at. */
  onPick: (bucket: Bucket, series: string | null) => void;
  onRange: (from: Bucket, to: Bucket, does: "events" | "zoom") => void;
  onCanvas: (canvas: HTMLCanvasElement | null) => void;
}

/** Chart draws series over time. Arrow keys move over it as the pointer does, and Enter picks as a click does. */
export function Chart({ model, title, height, group, emphasis, onPick, onRange, onCanvas }: ChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shown = useRef<Emphasis>({ series: null });
  const width = useWidth(holder);
  const theme = useTheme();
  const [hover, setHover] = useState<Hover | null>(null);
  const [range, setRange] = useState<Range | null>(null);
  const bars = useMemo(() => (model.bars ? stacked(model.drawn, model.buckets.length) : null), [model]);
  const latest = useRef({ onPick, onCanvas, bars });
  latest.current = { onPick, onCanvas, bars };

  // biome-ignore lint/correctness/useExhaustiveDependencies: What is painted is painted anew in another theme.
  useEffect(() => {
    const element = holder.current;
    if (!element || width === 0) return;
    forgetColours();
    shown.current = { series: null };
    let inside = false;
    let dragged = false;
    const pointed = (u: uPlot, touched: boolean): Hover | null => {
      const { left = -1, top = -1 } = u.cursor;
      if (left < 0 || top < 0) return null;
      const at = bucketAt(model.buckets, u.posToVal(left, "x"));
      const key = seriesAt(u, model, latest.current.bars, at, top);
      return { at, key, left: left + u.over.offsetLeft, top: top + u.over.offsetTop, touched };
    };
    const u = new uPlot(
      optionsOf(model, { width, height }, shown.current, {
        cursor: {
          y: false,
          points: { show: false },
          // A hand that shakes while it clicks doesn't drag.
          drag: { x: true, y: false, setScale: false, dist: 6, click: () => undefined },
          // Only where the pointer is goes from chart to chart; a drag is one chart's.
          sync: { key: group, filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } },
        },
        hooks: {
          setCursor: [(self) => inside && setHover(pointed(self, false))],
          setSelect: [
            (self) => {
              const { left, width: wide } = self.select;
              dragged = true;
              const first = bucketAt(model.buckets, self.posToVal(left, "x"));
              const last = bucketAt(model.buckets, self.posToVal(left + wide, "x"));
              setHover(null);
              setRange({ first, last, left: left + wide / 2 + self.over.offsetLeft });
            },
          ],
        },
      }),
      dataOf(model),
      element,
    );
    plot.current = u;
    u.over.addEventListener("mouseenter", () => {
      inside = true;
    });
    u.over.addEventListener("mouseleave", () => {
      inside = false;
      setHover(null);
    });
    u.over.addEventListener("mousedown", () => {
      dragged = false;
    });
    u.over.addEventListener("click", (event) => {
      if (dragged) return;
      const touched = event instanceof PointerEvent && event.pointerType === "touch";
      const now = pointed(u, touched);
      const bucket = now && model.buckets[now.at];
      if (!bucket) return;
      if (touched) setHover(now);
      else latest.current.onPick(bucket, now.key);
    });
    latest.current.onCanvas(u.ctx.canvas);
    return () => {
      latest.current.onCanvas(null);
      plot.current = null;
      u.destroy();
      setHover(null);
      setRange(null);
    };
  }, [model, width, height, group, theme]);

  const outstanding = emphasis ?? (model.drawn.length > 1 ? (hover?.key ?? null) : null);
  useEffect(() => {
    if (plot.current) emphasize(plot.current, model, shown.current, outstanding);
  }, [outstanding, model]);

  const point = (at: number, key: string | null) => {
    const u = plot.current;
    const bucket = model.buckets[at];
    if (!u || !bucket) return;
    const left = u.valToPos((bucket.start + bucket.end) / 2, "x");
    u.setCursor({ left, top: 0 }, false);
    setHover({ at, key, left: left + u.over.offsetLeft, top: u.over.offsetTop, touched: false });
  };
  const keys = (event: KeyboardEvent) => {
    const last = model.buckets.length - 1;
    const at = hover?.at ?? last;
    const next: Record<string, number> = {
      ArrowLeft: Math.max(0, hover ? at - 1 : at),
      ArrowRight: Math.min(last, hover ? at + 1 : at),
      PageUp: Math.max(0, at - 10),
      PageDown: Math.min(last, at + 10),
      Home: 0,
      End: last,
    };
    const to = next[event.key];
    if (to !== undefined) point(to, hover?.key ?? null);
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      // Over the series, and "all of them" between the last and the first.
      const order = [null, ...model.drawn.map(({ entry }) => entry.key)];
      const step = event.key === "ArrowDown" ? 1 : order.length - 1;
      point(at, order[(order.indexOf(hover?.key ?? null) + step) % order.length] ?? null);
    } else if (event.key === "Enter") {
      const bucket = model.buckets[at];
      if (bucket) onPick(bucket, hover?.key ?? null);
    } else if (event.key === "Escape" && hover) setHover(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const leaveRange = () => {
    plot.current?.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    setRange(null);
  };
  const at = hover?.at ?? model.buckets.length - 1;

  return (
    <div className="chart" style={{ minHeight: height }}>
      <div
        className="chart-plot"
        ref={holder}
        role="slider"
        tabIndex={0}
        aria-label={`${title}, chart of ${model.drawn.length} series. Left and right go over time, up and down over series, Enter shows the events.`}
        aria-valuemin={0}
        aria-valuemax={model.buckets.length - 1}
        aria-valuenow={at}
        aria-valuetext={spoken(model, at, hover?.key ?? null)}
        onKeyDown={keys}
        onBlur={() => setHover(null)}
      />
      {hover && !range && (
        <Tooltip
          model={model}
          hover={hover}
          width={width}
          onEvents={() => {
            const bucket = model.buckets[hover.at];
            if (bucket) onPick(bucket, hover.key);
          }}
        />
      )}
      {range && (
        <RangeActions
          model={model}
          range={range}
          width={width}
          onLeave={leaveRange}
          onDo={(does) => {
            const [first, last] = [model.buckets[range.first], model.buckets[range.last]];
            leaveRange();
            if (first && last) onRange(first, last, does);
          }}
        />
      )}
    </div>
  );
}

/** seriesAt returns the key of the series that is at a height of a bucket: the bar's segment there, or the nearest line. */
function seriesAt(
  u: uPlot,
  { drawn }: PlotModel,
  bars: ReturnType<typeof stacked> | null,
  at: number,
  top: number,
): string | null {
  if (drawn.length === 1) return drawn[0]?.entry.key ?? null;
  if (bars) {
    const value = u.posToVal(top, "y");
    const segment = bars[at]?.find(({ from, to }) => value >= Math.min(from, to) && value <= Math.max(from, to));
    return segment ? (drawn[segment.series]?.entry.key ?? null) : null;
  }
  let nearest: string | null = null;
  let least = 40;
  for (const { entry, values } of drawn) {
    const value = values[at] ?? null;
    if (value === null) continue;
    const far = Math.abs(u.valToPos(value, "y") - top);
    if (far < least) [nearest, least] = [entry.key, far];
  }
  return nearest;
}
