import { useState } from "react";
import { count, measure as measured } from "../../state/numbers.ts";
import { span } from "../calendar.ts";
import type { Entry } from "../chart/look.ts";
import { isPartial, type Shape } from "../shape.ts";
import { measureName, type Showing, shown } from "../state.ts";
import { ToEvents } from "../ways.tsx";

const page = 100;
const mostColumns = 24;

/** ByTime is the values of the series in each bucket, the newest first. */
export function ByTime({ shape, entries, showing }: { shape: Shape; entries: Entry[]; showing: Showing }) {
  const [rows, setRows] = useState(page);
  const { measures } = shape.analysis;
  const visible = entries.filter((entry) => shown(showing, entry.label));
  const columns = visible.flatMap((entry) =>
    entry.measure !== null
      ? [{ entry, measure: entry.measure, name: entry.label }]
      : measures.map((measure, i) => ({
          entry,
          measure: i,
          name: measureName(measure),
        })),
  );
  const listed = columns.slice(0, mostColumns);
  // A series with several measures stands over them.
  const doubled = measures.length > 1 && visible.some((entry) => entry.measure === null);
  const heads = visible
    .map((entry) => ({ entry, columns: listed.filter((column) => column.entry === entry).length }))
    .filter((head) => head.columns > 0);
  const newest = shape.buckets.map((bucket, at) => ({ bucket, at })).reverse();
  return (
    <section aria-label="By time">
      <h3>By time, newest first</h3>
      {columns.length > listed.length && (
        <p className="muted">
          {listed.length} of {count(columns.length)} columns are shown. The CSV has all of them.
        </p>
      )}
      <div className="scrolled">
        <table className="table bytime">
          <thead>
            <tr>
              <th scope="col" rowSpan={doubled ? 2 : 1}>
                Time ({shape.zone})
              </th>
              {heads.map((head) => (
                <th
                  key={head.entry.key}
                  scope={doubled ? "colgroup" : "col"}
                  colSpan={head.columns}
                  className={doubled ? "bytime-head" : "number"}
                >
                  {head.entry.label}
                </th>
              ))}
            </tr>
            {doubled && (
              <tr>
                {listed.map(({ entry, measure, name }) => (
                  <th key={`${entry.key} ${measure}`} scope="col" className="number">
                    {name}
                  </th>
                ))}
              </tr>
            )}
          </thead>
          <tbody>
            {newest.slice(0, rows).map(({ bucket, at }) => (
              <tr key={bucket.start}>
                <th scope="row" className="bytime-time">
                  <ToEvents line={null} period={bucket.counted}>
                    {span(bucket.start, bucket.end, shape.zone)}
                  </ToEvents>
                  {isPartial(bucket) && <span className="muted"> in part</span>}
                </th>
                {listed.map(({ entry, measure }) => (
                  <td key={`${entry.key} ${measure}`} className="number">
                    <Value
                      entry={entry}
                      value={entry.line.points[measure]?.[at] ?? null}
                      before={shape.before ? (entry.line.before?.[measure]?.[at] ?? null) : undefined}
                      period={bucket.counted}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {newest.length > rows && (
        <button type="button" className="button" onClick={() => setRows(rows + 5 * page)}>
          Show more of {count(newest.length)} buckets
        </button>
      )}
    </section>
  );
}

/** Value leads to its events; where nothing was, there is nothing to lead to. */
function Value({
  entry,
  value,
  before,
  period,
}: {
  entry: Entry;
  value: number | null;
  before: number | null | undefined;
  period: { from: number; to: number };
}) {
  const text = measured(value);
  return (
    <>
      {value ? (
        <ToEvents line={entry.measure === null ? entry.line : null} period={period} className="bytime-value">
          {text}
        </ToEvents>
      ) : (
        <span className="muted">{text}</span>
      )}
      {before !== undefined && <span className="muted bytime-before">{measured(before)}</span>}
    </>
  );
}
