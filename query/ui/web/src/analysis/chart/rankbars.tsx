import { measure as measured } from "../../state/numbers.ts";
import type { Panel, Shape } from "../shape.ts";
import { ToEvents } from "../ways.tsx";
import { heightOf } from "./geometry.ts";
import type { Drawn, Look } from "./look.ts";
import { Swatch } from "./swatch.tsx";

/** RankBar is a bar of a series without time: its value, and that of the period before. */
export interface RankBar {
  drawn: Drawn;
  value: number | null;
  before: number | null | undefined; // undefined: there is no period before
}

/** rankBarsOf returns the bars of a panel. */
export function rankBarsOf(shape: Shape, panel: Panel, drawn: readonly Drawn[]): RankBar[] {
  return drawn.map((one) => {
    const measure = one.entry.measure ?? panel.measures[0] ?? 0;
    return {
      drawn: one,
      value: one.entry.line.totals[measure] ?? null,
      before: shape.before ? (one.entry.line.totalsBefore?.[measure] ?? null) : undefined,
    };
  });
}

/** placeOf returns where a bar begins and how long it is, as shares of the room. */
export function placeOf(value: number, [low, high]: [number, number]): { left: number; width: number } {
  const [zero, end] = [endOf(0, [low, high]), endOf(value, [low, high])];
  return { left: Math.min(zero, end), width: Math.abs(end - zero) };
}

/** endOf returns where a value ends, as a share of the room. */
export function endOf(value: number, [low, high]: [number, number]): number {
  return (value - low) / (high - low);
}

/** RankBars draws a bar for each series. Each leads to its events. */
export function RankBars({
  bars,
  emphasis,
  onPoint,
}: {
  bars: RankBar[];
  emphasis: string | null;
  onPoint: (series: string | null) => void;
}) {
  const range = heightOf(bars.flatMap(({ value, before }) => [value, before]));
  return (
    <ul className="rankbars" onMouseLeave={() => onPoint(null)}>
      {bars.map(({ drawn: { entry }, value, before }) => (
        <li
          key={entry.key}
          className={emphasis !== null && emphasis !== entry.key ? "rankbar rankbar-faded" : "rankbar"}
          onMouseEnter={() => onPoint(entry.key)}
        >
          <ToEvents line={entry.measure === null ? entry.line : null} className="rankbar-link">
            <span className="rankbar-label">
              <Swatch look={entry.look} /> {entry.label}
            </span>
            <span className="rankbar-room">
              {value !== null && <Bar place={placeOf(value, range)} look={entry.look} />}
              {typeof before === "number" && (
                <span className="rankbar-before" style={{ left: `${endOf(before, range) * 100}%` }} />
              )}
            </span>
            <span className="number rankbar-value">
              {measured(value)}
              {before !== undefined && <span className="muted"> before {measured(before)}</span>}
            </span>
          </ToEvents>
        </li>
      ))}
    </ul>
  );
}

function Bar({ place: { left, width }, look }: { place: { left: number; width: number }; look: Look }) {
  return (
    <span
      className="rankbar-bar"
      style={{
        left: `${left * 100}%`,
        width: `${width * 100}%`,
        borderColor: `var(${look.line})`,
        background: `var(${look.area})`,
      }}
    />
  );
}
