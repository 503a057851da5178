import { type KeyboardEvent, memo, type PointerEvent, useMemo, useRef, useState } from "react";
import { type Histogram as Counts, severities } from "../api/types.ts";
import { standing, toggled } from "../query/conditions.ts";
import { useFilter } from "../state/filter.ts";
import { useParams } from "../state/location.ts";
import { count } from "../state/numbers.ts";
import { useLate } from "../ui/late.ts";
import { SeverityMark } from "../ui/severity.tsx";
import { Failed } from "../ui/state.tsx";
import { type Bar, barsOf, pathsOf, spanOf, ticksOf, topOf, totalsOf } from "./bars.ts";
import { instant, isMath, widened } from "./ranges.ts";
import "./histogram.css";

/** The chart's height in its own units, which are pixels unless the screen is low. */
const height = 72;

/** Histogram shows how many events there are over time, by severity, and narrows the time. */
export const Histogram = memo(function Histogram({
  counts,
  stale,
  error,
  retry,
}: {
  counts: Counts | undefined;
  stale: boolean;
  error: unknown;
  retry: () => void;
}) {
  const [filter, change] = useFilter();
  const [params, setParams] = useParams();
  const asTable = params.get("chart") === "table";
  const bars = useMemo(() => (counts ? barsOf(counts) : []), [counts]);
  const first = bars[0];
  const last = bars.at(-1);

  const zoom = (from: Bar, to: Bar) => {
    // A bucket may reach beyond the range: what is outside was not counted, and is not to be found then.
    const start = filter.from && !isMath(filter.from) ? Math.max(from.start, Date.parse(filter.from)) : from.start;
    const end = filter.to && !isMath(filter.to) ? Math.min(to.end, Date.parse(filter.to)) : to.end;
    change({ from: instant(start), to: instant(end) });
  };

  return (
    <section className="histogram" aria-label="Events over time">
      <div className="histogram-head">
        <Legend bars={bars} known={counts !== undefined} />
        <span className="histogram-tools">
          {counts && <span className="muted">per {counts.interval}</span>}
          <button
            type="button"
            className="button quiet"
            disabled={!first || !last || (!filter.from && !filter.to)}
            onClick={() => first && last && change(widened(filter, first.start, last.end, Date.now()))}
          >
            Zoom out
          </button>
          <button
            type="button"
            className="button quiet"
            aria-pressed={asTable}
            onClick={() => setParams({ chart: asTable ? null : "table" }, { replace: true })}
          >
            Table
          </button>
        </span>
      </div>
      {error !== null && error !== undefined ? (
        <Failed error={error} retry={retry} />
      ) : asTable ? (
        <CountTable bars={bars} zone={filter.tz} />
      ) : (
        <Chart key={first?.start} bars={bars} zone={filter.tz} stale={stale} onZoom={zoom} />
      )}
    </section>
  );
});

/** Legend names the severities with their totals; each narrows the filter to its own. */
function Legend({ bars, known }: { bars: readonly Bar[]; known: boolean }) {
  const [filter, change] = useFilter();
  const totals = useMemo(() => totalsOf(bars), [bars]);
  return (
    <ul className="histogram-legend" aria-label="Severities">
      {severities.map((severity) => {
        const total = known ? count(totals[severity]) : "–";
        const stand = standing(filter.q, "severity", severity);
        return (
          <li key={severity}>
            <button
              type="button"
              className="button quiet"
              aria-pressed={stand === "included"}
              title="Click to show only these, with Alt to leave them out"
              onClick={(event) => change({ q: toggled(filter.q, "severity", severity, event.altKey) })}
            >
              <SeverityMark severity={severity} />
              <span className={stand === "excluded" ? "histogram-excluded" : undefined}>{total}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

/**
 * Chart is the bars. A drag over them, or a click, narrows the time; by keyboard the arrows go from bar to bar, with Shift
 * they choose several, and Enter narrows the time to them.
 */
function Chart({
  bars,
  zone,
  stale,
  onZoom,
}: {
  bars: readonly Bar[];
  zone: string;
  stale: boolean;
  onZoom: (from: Bar, to: Bar) => void;
}) {
  const late = useLate(stale);
  const plot = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const [anchor, setAnchor] = useState<number | null>(null);
  const dragged = useRef(false);
  const paths = useMemo(() => pathsOf(bars, height), [bars]);
  const top = useMemo(() => topOf(bars), [bars]);
  const ticks = useMemo(() => ticksOf(bars, zone, 8), [bars, zone]);
  const place = Math.min(at ?? 0, Math.max(bars.length - 1, 0));
  const from = at === null ? place : Math.min(anchor ?? place, place);
  const to = at === null ? place : Math.max(anchor ?? place, place);

  const indexOf = (event: PointerEvent) => {
    const box = plot.current?.getBoundingClientRect();
    if (!box || box.width === 0) return 0;
    const share = (event.clientX - box.left) / box.width;
    return Math.max(0, Math.min(bars.length - 1, Math.floor(share * bars.length)));
  };
  const zoom = () => {
    const [start, end] = [bars[from], bars[to]];
    setAnchor(null);
    if (start && end) onZoom(start, end);
  };
  const keys = (event: KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowLeft: place - 1,
      ArrowRight: place + 1,
      PageUp: place - 10,
      PageDown: place + 10,
      Home: 0,
      End: bars.length - 1,
    };
    const next = steps[event.key];
    if (next !== undefined) {
      event.preventDefault();
      setAnchor(event.shiftKey ? (anchor ?? place) : null);
      setAt(Math.max(0, Math.min(bars.length - 1, next)));
    } else if (event.key === "Enter" && at !== null) {
      event.preventDefault();
      zoom();
    } else if (event.key === "Escape") {
      setAnchor(null);
      setAt(null);
    }
  };
  const [start, end] = [bars[from], bars[to]];

  return (
    <div className={late ? "histogram-chart stale" : "histogram-chart"}>
      <span className="histogram-top muted" aria-hidden="true">
        {bars.some((bar) => bar.total > 0) && count(top)}
      </span>
      <div
        ref={plot}
        className="histogram-plot"
        role="slider"
        tabIndex={0}
        aria-label="Time: choose with the arrows, several with Shift, and narrow to them with Enter"
        aria-valuemin={0}
        aria-valuemax={Math.max(bars.length - 1, 0)}
        aria-valuenow={place}
        aria-valuetext={start && end ? told(bars.slice(from, to + 1), spanOf(start, end, zone)) : "nothing yet"}
        onFocus={(event) => event.target.matches(":focus-visible") && setAt(at ?? bars.length - 1)}
        onBlur={() => {
          setAt(null);
          setAnchor(null);
        }}
        onKeyDown={keys}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          dragged.current = true;
          setAt(indexOf(event));
          setAnchor(indexOf(event));
        }}
        onPointerMove={(event) => setAt(indexOf(event))}
        onPointerUp={() => {
          if (!dragged.current) return;
          dragged.current = false;
          zoom();
        }}
        onPointerCancel={() => {
          dragged.current = false;
          setAnchor(null);
        }}
        onPointerLeave={() => !dragged.current && document.activeElement !== plot.current && setAt(null)}
      >
        <svg viewBox={`0 0 ${Math.max(bars.length, 1)} ${height}`} preserveAspectRatio="none" aria-hidden="true">
          {at !== null && <rect className="histogram-chosen" x={from} width={to - from + 1} height={height} />}
          {severities.map((severity) => (
            <path key={severity} className={`histogram-${severity.toLowerCase()}`} d={paths[severity]} />
          ))}
        </svg>
        {at !== null && start && end && (
          <Tip bars={bars.slice(from, to + 1)} span={spanOf(start, end, zone)} at={(from + to + 1) / 2 / bars.length} />
        )}
      </div>
      <div className="histogram-ticks muted" aria-hidden="true">
        {ticks.map((tick) => (
          <span key={tick.at} style={{ left: `${tick.at * 100}%` }}>
            {tick.text}
          </span>
        ))}
      </div>
    </div>
  );
}

/** told says in words what bars are. */
function told(bars: readonly Bar[], span: string): string {
  const totals = totalsOf(bars);
  const parts = severities.filter((severity) => totals[severity] > 0).map((one) => `${count(totals[one])} ${one}`);
  return `${span}: ${parts.length > 0 ? parts.join(", ") : "no events"}`;
}

function Tip({ bars, span, at }: { bars: readonly Bar[]; span: string; at: number }) {
  const totals = totalsOf(bars);
  const side = at > 0.5 ? { right: `${(1 - at) * 100}%` } : { left: `${at * 100}%` };
  return (
    <div className="histogram-tip" style={side} aria-hidden="true">
      <div className="mono">{span}</div>
      {severities.map((severity) => (
        <div key={severity} className="histogram-tip-line">
          <SeverityMark severity={severity} />
          <span>{count(totals[severity])}</span>
        </div>
      ))}
    </div>
  );
}

/** CountTable is the histogram for those who would rather read it. */
function CountTable({ bars, zone }: { bars: readonly Bar[]; zone: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls has to be reached by keyboard.
    <section className="histogram-table" tabIndex={0} aria-label="Counts">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Time</th>
            {severities.map((severity) => (
              <th key={severity} scope="col" className="number">
                {severity}
              </th>
            ))}
            <th scope="col" className="number">
              All
            </th>
          </tr>
        </thead>
        <tbody>
          {bars
            .filter((bar) => bar.total > 0)
            .map((bar) => (
              <tr key={bar.start}>
                <th scope="row" className="mono">
                  {spanOf(bar, bar, zone)}
                </th>
                {severities.map((severity) => (
                  <td key={severity} className="number">
                    {count(bar.counts[severity])}
                  </td>
                ))}
                <td className="number">{count(bar.total)}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  );
}
