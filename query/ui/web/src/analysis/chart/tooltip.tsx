import { measure } from "../../state/numbers.ts";
import { span } from "../calendar.ts";
import { isPartial } from "../shape.ts";
import type { PlotModel } from "./plot.ts";
import { Swatch } from "./swatch.tsx";

/** Hover is where somebody points in a chart: at a bucket, and maybe at a series in it. */
export interface Hover {
  at: number;
  key: string | null;
  left: number; // in pixels of the chart
  top: number;
  touched: boolean; // by a finger, which can't point without pressing
}

const most = 12;

/** valuesAt returns the series of a bucket, the largest value first. */
function valuesAt({ drawn }: PlotModel, at: number) {
  return drawn
    .map((one) => ({ ...one, value: one.values[at] ?? null, valueBefore: one.before?.[at] ?? null }))
    .sort((a, b) => (b.value ?? Number.NEGATIVE_INFINITY) - (a.value ?? Number.NEGATIVE_INFINITY));
}

/** spoken says what a bucket holds, for people who don't see the chart. */
export function spoken(model: PlotModel, at: number, key: string | null): string {
  const bucket = model.buckets[at];
  if (!bucket) return "";
  const values = valuesAt(model, at).filter(({ entry }) => key === null || entry.key === key);
  const text = values.slice(0, most).map(({ label, value, valueBefore }) => {
    const before = model.hasBefore ? `, before ${measure(valueBefore)}` : "";
    return `${label} ${measure(value)}${before}`;
  });
  return `${span(bucket.start, bucket.end, model.zone)}${isPartial(bucket) ? ", counted in part" : ""}: ${text.join("; ")}`;
}

/** Tooltip shows the values of a bucket beside the pointer. */
export function Tooltip({
  model,
  hover,
  width,
  onEvents,
}: {
  model: PlotModel;
  hover: Hover;
  width: number;
  onEvents: () => void;
}) {
  const bucket = model.buckets[hover.at];
  if (!bucket) return null;
  const values = valuesAt(model, hover.at);
  const listed = values.slice(0, most);
  const pointed = values.find(({ entry }) => entry.key === hover.key);
  if (pointed && !listed.includes(pointed)) listed[most - 1] = pointed;
  const right = hover.left > width / 2;
  return (
    <div
      className={hover.touched ? "chart-tooltip chart-tooltip-touched" : "chart-tooltip"}
      style={{
        top: hover.top,
        ...(right ? { right: width - hover.left + 14 } : { left: hover.left + 14 }),
      }}
    >
      <p className="chart-tooltip-time">{span(bucket.start, bucket.end, model.zone)}</p>
      {isPartial(bucket) && (
        <p className="muted">Counted in part: {span(bucket.counted.from, bucket.counted.to, model.zone)}</p>
      )}
      <table>
        {model.hasBefore && (
          <thead>
            <tr>
              <td />
              <td />
              <th scope="col">now</th>
              <th scope="col">before</th>
            </tr>
          </thead>
        )}
        <tbody>
          {listed.map(({ entry, label, value, valueBefore }) => (
            <tr key={entry.key} className={entry.key === hover.key ? "chart-tooltip-pointed" : undefined}>
              <td>
                <Swatch look={entry.look} />
              </td>
              <th scope="row">{label}</th>
              <td className="number">{measure(value)}</td>
              {model.hasBefore && <td className="number muted">{measure(valueBefore)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
      {values.length > listed.length && <p className="muted">and {values.length - listed.length} more</p>}
      {hover.touched ? (
        <button type="button" className="button" onClick={onEvents}>
          Show events
        </button>
      ) : (
        <p className="muted chart-tooltip-hint">Click: events · drag: a range</p>
      )}
    </div>
  );
}
