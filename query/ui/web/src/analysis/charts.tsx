import { useMemo, useRef } from "react";
import { useFilter } from "../state/filter.ts";
import { count } from "../state/numbers.ts";
import { Chart } from "./chart/chart.tsx";
import { type Drawn, drawnOf, type Entry, mostDrawn, stacks } from "./chart/look.ts";
import type { PlotModel } from "./chart/plot.ts";
import { RankBars, rankBarsOf } from "./chart/rankbars.tsx";
import { type Bucket, type Panel, panelsOf, type Shape } from "./shape.ts";
import type { Showing } from "./state.ts";
import { follow, useWay } from "./ways.tsx";

/** Canvases are the charts that are on the page, by their panels' titles. */
export type Canvases = Map<string, HTMLCanvasElement>;

/** Charts draws an answer: a chart for each measure, or one for several that share an axis. */
export function Charts({
  shape,
  entries,
  showing,
  emphasis,
  onPoint,
  canvases,
}: {
  shape: Shape;
  entries: Entry[];
  showing: Showing;
  emphasis: string | null;
  onPoint: (series: string | null) => void;
  canvases: Canvases;
}) {
  const panels = panelsOf(shape.analysis);
  return (
    <div className="analysis-charts">
      {panels.map((panel) => (
        <PanelChart
          key={panel.title}
          shape={shape}
          entries={entries}
          showing={showing}
          panel={panel}
          alone={panels.length === 1}
          emphasis={emphasis}
          onPoint={onPoint}
          canvases={canvases}
        />
      ))}
    </div>
  );
}

function PanelChart({
  shape,
  entries,
  showing,
  panel,
  alone,
  emphasis,
  onPoint,
  canvases,
}: {
  shape: Shape;
  entries: Entry[];
  showing: Showing;
  panel: Panel;
  alone: boolean;
  emphasis: string | null;
  onPoint: (series: string | null) => void;
  canvases: Canvases;
}) {
  const way = useWay();
  const [, changeFilter] = useFilter();
  // What is drawn is made anew where its parts are others, and not at each move of the pointer.
  const parts = JSON.stringify([panel, showing.hide, showing.only, showing.draw]);
  const { model, drawn, of, unstacked } = useMemo(() => {
    const [at, hide, only, draw] = JSON.parse(parts) as [Panel, string[], string[], Showing["draw"]];
    return modelOf(shape, entries, at, { hide, only, draw, sort: "" });
  }, [shape, entries, parts]);
  const lineOf = (key: string | null) => {
    const entry = drawn.find((one) => one.entry.key === key)?.entry;
    return entry && entry.measure === null ? entry.line : null;
  };
  const pick = (bucket: Bucket, key: string | null) => follow(way(lineOf(key), bucket.counted));
  const range = (first: Bucket, last: Bucket, does: "events" | "zoom") => {
    const period = { from: first.counted.from, to: last.counted.to };
    if (does === "events") follow(way(null, period));
    else changeFilter({ from: new Date(period.from).toISOString(), to: new Date(period.to).toISOString() });
  };
  const canvasOf = useRef((canvas: HTMLCanvasElement | null) => {
    if (canvas) canvases.set(panel.title, canvas);
    else canvases.delete(panel.title);
  });
  return (
    <section aria-label={panel.title} className="analysis-panel">
      {!alone && <h3>{panel.title}</h3>}
      {of > drawn.length && (
        <p className="muted">
          The chart has the {mostDrawn} largest of {count(of)} series; the table has all of them.
        </p>
      )}
      {unstacked && (
        <p className="muted">
          Values of this kind don’t add up, so that they can’t stand on each other: lines instead.
        </p>
      )}
      {drawn.length === 0 ? (
        <p className="muted analysis-nothing">Every series is hidden. The table below shows them again.</p>
      ) : model ? (
        <Chart
          model={model}
          title={panel.title}
          height={alone ? 340 : 240}
          group="analysis"
          emphasis={emphasis}
          onPick={pick}
          onRange={range}
          onCanvas={canvasOf.current}
        />
      ) : (
        <RankBars bars={rankBarsOf(shape, panel, drawn)} emphasis={emphasis} onPoint={onPoint} />
      )}
    </section>
  );
}

interface Modelled {
  model: PlotModel | null; // null: there is no time
  drawn: Drawn[];
  of: number;
  unstacked: boolean; // bars were asked for
}

function modelOf(shape: Shape, entries: Entry[], panel: Panel, showing: Showing): Modelled {
  const { drawn, of } = drawnOf(shape, entries, panel, showing);
  const bars = showing.draw === "bars" && (drawn.length === 1 || stacks(shape, panel));
  const { measures, fill } = shape.analysis;
  const model: PlotModel | null =
    shape.bucket === null
      ? null
      : {
          buckets: shape.buckets,
          bucket: shape.bucket,
          zone: shape.zone,
          drawn,
          bars,
          join: fill === "join",
          whole: panel.measures.every((i) => ["count", "uniq"].includes(measures[i]?.op ?? "")),
          hasBefore: shape.before !== null,
        };
  return { model, drawn, of, unstacked: model !== null && showing.draw === "bars" && !bars };
}
