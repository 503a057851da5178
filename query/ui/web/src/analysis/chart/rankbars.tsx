import { measure as measured } from "../../state/numbers.ts";
import type { Panel, Shape } from "../shape.ts";
import { ToEvents } from "../ways.tsx";
import { heightOf } from "./geometry.ts";
import type { Drawn } from "./look.ts";
import { Swatch } from "./swatch.tsx";

/** RankBar is a bar of a series without time: its value, and that of the period before. */
export interface RankBar {
  drawn: Drawn;
  value: number | null;
  before: number | null;
}

/** rankBarsOf returns the bars of a panel. */
export function rankBarsOf(shape: Shape, panel: Panel, drawn: readonly Drawn[]): RankBar[] {
  return drawn.map((one) => {
    const measure = one.entry.measure ?? panel.measures[0] ?? 0;
    return {
      drawn: one,
      value: one.entry.line.totals[measure] ?? null,
      before: shape.before ? (one.entry.line.totalsBefore?.[measure] ?? null) : null,
    };
  });
}

/** placeOf returns where a bar begins and how long it is, as shares of the room. */
export function placeOf(value: number, [low, high]: [number, number]): { left: number; width: number } {
  const at = (one: number) => (one - low) / (high - low);
  return { left: Math.min(at(0), at(value)), width: Math.abs(at(value) - at(0)) };
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
              {before !== null && <Bar place={placeOf(before, range)} look={entry.look} before />}
            </span>
            <span className="number rankbar-value">
              {measured(value)}
              {before !== null && <span className="muted"> before {measured(before)}</span>}
            </span>
          </ToEvents>
        </li>
      ))}
    </ul>
  );
}

function Bar({
  place: { left, width },
  look,
  before = false,
}: {
  place: { left: number; width: number };
  look: Drawn["entry"]["look"];
  before?: boolean;
}) {
  return (
    <span
      className={before ? "rankbar-bar rankbar-before" : "rankbar-bar"}
      style={{
        left: `${left * 100}%`,
        width: `${width * 100}%`,
        borderColor: `var(${look.line})`,
        ...(!before && { background: `var(${look.area})` }),
      }}
    />
  );
}
