import { useMemo, useState } from "react";
import { useFilter } from "../state/filter.ts";
import { useParams } from "../state/location.ts";
import { count, measure as measured } from "../state/numbers.ts";
import { announce } from "../ui/announce.tsx";
import { useShortcut } from "../ui/shortcuts.tsx";
import { Empty } from "../ui/state.tsx";
import { bucketWords, span } from "./calendar.ts";
import { drawnOf, entriesOf, mostDrawn } from "./chart/look.ts";
import { pictureOf } from "./chart/picture.ts";
import { rankBarsOf } from "./chart/rankbars.tsx";
import { type Canvases, Charts } from "./charts.tsx";
import { csvOf, fileName } from "./csv.ts";
import { MetaLine } from "./meta.tsx";
import { save } from "./save.ts";
import { panelsOf, type Shape, shapeOf } from "./shape.ts";
import { type Analysis, type Drawing, drawings, type Showing, shown, titleOf } from "./state.ts";
import type { Answered } from "./store.ts";
import { ByTime } from "./table/bytime.tsx";
import { Groups } from "./table/groups.tsx";
import { WaysOf } from "./ways.tsx";

const drawingNames: Record<Drawing, string> = { lines: "Lines", bars: "Bars", table: "Table" };

/** Result shows an answer: as charts with their legend, or as tables. */
export function Result({
  answered,
  analysis,
  showing,
  stale,
  onAgain,
}: {
  answered: Answered;
  analysis: Analysis; // of the address, which may be ahead of the answer
  showing: Showing;
  stale: boolean;
  onAgain: () => void;
}) {
  const { answer, analysis: asked, zone } = answered;
  const shape = useMemo(
    () => shapeOf(answer, { ...asked, fill: analysis.fill }, zone),
    [answer, asked, zone, analysis.fill],
  );
  const entries = useMemo(() => entriesOf(shape), [shape]);
  const [pointed, setPointed] = useState<string | null>(null);
  const [canvases] = useState<Canvases>(() => new Map());
  // Without buckets in the answer there is nothing to draw lines over, whatever the address says by now.
  const draw = shape.bucket === null && showing.draw === "lines" ? "bars" : showing.draw;
  const now = { ...showing, draw };
  const nothing = shape.lines.length === 0 || (asked.by.length === 0 && shape.totals.every((total) => !total));
  return (
    <WaysOf value={shape}>
      <section
        aria-label="Result"
        aria-busy={stale}
        className={stale ? "analysis-result analysis-stale" : "analysis-result"}
      >
        <Head shape={shape} showing={now} onAgain={onAgain} canvases={canvases} nothing={nothing} />
        {nothing ? (
          <Nothing shape={shape} />
        ) : (
          <>
            {draw !== "table" && (
              <Charts
                shape={shape}
                entries={entries}
                showing={now}
                emphasis={pointed}
                onPoint={setPointed}
                canvases={canvases}
              />
            )}
            <Groups shape={shape} entries={entries} showing={now} legend={draw !== "table"} onPoint={setPointed} />
            {draw === "table" && shape.bucket !== null && <ByTime shape={shape} entries={entries} showing={now} />}
          </>
        )}
        <MetaLine meta={answer.meta} shape={shape} />
      </section>
    </WaysOf>
  );
}

/** mostRows is how many rows of CSV a page can make; exports of events have no such bound. */
const mostRows = 1_000_000;

/** heading says what an answer shows. */
function heading(shape: Shape): string {
  return shape.bucket ? `${titleOf(shape.analysis)}, every ${bucketWords(shape.bucket)}` : titleOf(shape.analysis);
}

/** times says which time an answer is about. */
function times({ range, before, zone }: Shape): string[] {
  const now = `${span(range.from, range.to, zone)} (${zone})`;
  return before ? [now, `compared with ${span(before.from, before.to, zone)}, dashed`] : [now];
}

function Head({
  shape,
  showing,
  onAgain,
  canvases,
  nothing,
}: {
  shape: Shape;
  showing: Showing;
  onAgain: () => void;
  canvases: Canvases;
  nothing: boolean;
}) {
  const [, change] = useParams();
  const [filter] = useFilter();
  const title = heading(shape);
  const possible = drawings.filter((one) => one !== "lines" || shape.bucket !== null);
  const next = possible[(possible.indexOf(showing.draw) + 1) % possible.length] as Drawing;
  useShortcut("d", "draw it as lines, bars or a table", () => change({ draw: next }));
  const csv = () => {
    const rows = shape.lines.length * Math.max(1, shape.buckets.length);
    if (rows > mostRows)
      return announce(`The CSV would have ${count(rows)} rows: ask for fewer groups, or wider buckets`);
    save(new Blob([csvOf(shape)], { type: "text/csv;charset=utf-8" }), fileName(titleOf(shape.analysis), shape, "csv"));
    announce("The CSV is in your downloads");
  };
  const png = async () => {
    try {
      const picture = await pictureOf(pictured(shape, showing, canvases, filter.q, title), widthOf(canvases));
      save(picture, fileName(titleOf(shape.analysis), shape, "png"));
      announce("The picture is in your downloads");
    } catch (error) {
      announce(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <header className="analysis-head">
      <div>
        <h2>{title}</h2>
        {times(shape).map((line) => (
          <p key={line} className="muted">
            {line}
          </p>
        ))}
        <p role="status" className="hidden-text">
          {nothing
            ? "Nothing was found"
            : `${count(shape.lines.length)} series, ${count(shape.buckets.length)} buckets`}
        </p>
      </div>
      <div className="analysis-tools">
        <fieldset className="analysis-draw" aria-label="Draw as">
          {possible.map((one) => (
            <button
              key={one}
              type="button"
              className="button"
              aria-pressed={showing.draw === one}
              onClick={() => change({ draw: one })}
            >
              {drawingNames[one]}
            </button>
          ))}
        </fieldset>
        <button type="button" className="button" disabled={nothing} onClick={csv} aria-label="Download as CSV">
          CSV
        </button>
        <button
          type="button"
          className="button"
          disabled={nothing || showing.draw === "table"}
          title={showing.draw === "table" ? "A picture is made of lines or bars" : undefined}
          onClick={() => void png()}
          aria-label="Download as PNG"
        >
          PNG
        </button>
        <button type="button" className="button" onClick={onAgain}>
          Refresh
        </button>
      </div>
    </header>
  );
}

function widthOf(canvases: Canvases): number {
  return Math.max(640, ...[...canvases.values()].map((canvas) => canvas.getBoundingClientRect().width));
}

/** pictured gathers what a picture of the charts shows. */
function pictured(shape: Shape, showing: Showing, canvases: Canvases, q: string, title: string) {
  const entries = entriesOf(shape);
  const visible = entries.filter((entry) => shown(showing, entry.label)).slice(0, mostDrawn);
  return {
    title,
    lines: [...times(shape), ...(q ? [`only ${q}`] : [])],
    parts: panelsOf(shape.analysis).map((panel) => {
      const canvas = canvases.get(panel.title);
      if (canvas) return { title: panel.title, canvas };
      return { title: panel.title, bars: rankBarsOf(shape, panel, drawnOf(shape, entries, panel, showing).drawn) };
    }),
    // Bars have their names and values beside them.
    legend:
      shape.bucket === null
        ? []
        : visible.map(({ label, look, line, measure }) => ({
            label,
            look,
            value: measured(line.totals[measure ?? 0]),
          })),
  };
}

function Nothing({ shape }: { shape: Shape }) {
  const [filter, changeFilter] = useFilter();
  return (
    <Empty title="Nothing was found">
      <p>
        No event {filter.q || filter.preset ? "that matches " : ""}is in{" "}
        {span(shape.range.from, shape.range.to, shape.zone)}. Choose a longer time
        {filter.q || filter.preset ? ", or take out a condition" : ""}.
      </p>
      <p className="analysis-ways">
        {filter.from !== "" && (
          <button type="button" className="button" onClick={() => changeFilter({ from: "", to: "" })}>
            Look at all that is retained
          </button>
        )}
        {filter.q !== "" && (
          <button type="button" className="button" onClick={() => changeFilter({ q: "" })}>
            Clear the search
          </button>
        )}
      </p>
    </Empty>
  );
}
