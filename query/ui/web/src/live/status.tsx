import { ColumnMenu } from "../search/columns.tsx";
import { count } from "../state/numbers.ts";
import { length } from "../state/time.ts";
import type { LiveStore, Screen } from "./store.ts";
import { phaseNames, phaseWords } from "./words.ts";

/** StatusBar says whether the list moves, how the connection is, and how fast and how late events come. */
export function StatusBar({ store, screen }: { store: LiveStore; screen: Screen }) {
  const { paused, phase, waiting, letGo } = screen;
  const trouble = phase.name === "waiting" || phase.name === "offline";
  return (
    <section className="live-status" data-paused={paused} aria-label="State of the stream">
      <button
        type="button"
        className={paused ? "button primary" : "button"}
        onClick={() => store.toggle()}
        title="p or Space"
      >
        {paused ? <PlaySign /> : <PauseSign />}
        {paused ? "Resume" : "Pause"}
      </button>
      {paused && (
        <span className="live-pill live-pill-paused">
          <PauseSign />
          Paused
        </span>
      )}
      <span className={`live-pill live-pill-${letGo ? "idle" : phase.name}`}>
        <span className="live-dot" aria-hidden="true" />
        {letGo ? "No room for more: goes on from here" : phaseWords(phase, screen.now)}
      </span>
      <span className="hidden-text" role="status">
        {/* Without the numbers, which would be read out each second. */}
        {paused && "Paused. "}
        {phaseNames[phase.name]}
      </span>
      {trouble && !letGo && (
        <button type="button" className="button quiet" onClick={() => store.retry()}>
          Reconnect now
        </button>
      )}
      {paused && (
        <span className="live-figure">
          <b>
            {count(waiting)}
            {letGo && "+"}
          </b>{" "}
          waiting
        </span>
      )}
      <span className="live-figures">
        <span className="live-figure" title="Events a second, over the last 5 s">
          <b>{rateWords(screen.rate)}</b> events/s
        </span>
        <span
          className="live-figure"
          title="From the arrival of an event until it is shown here, the median of the last ones"
        >
          delay <b>{screen.delay === null ? "–" : length(screen.delay)}</b>
        </span>
        <span className="live-figure" title="Older ones are in Search">
          <b>{count(screen.next - screen.first)}</b> kept
        </span>
      </span>
      <span className="live-tools">
        <button type="button" className="button" onClick={() => store.clear()}>
          Clear
        </button>
        <ColumnMenu />
      </span>
    </section>
  );
}

function rateWords(rate: number): string {
  return rate >= 10 || rate === 0 ? count(Math.round(rate)) : rate.toFixed(1);
}

function PauseSign() {
  return (
    <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
      <path d="M3 2h4v12H3zM9 2h4v12H9z" fill="currentColor" />
    </svg>
  );
}

function PlaySign() {
  return (
    <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
      <path d="M3 1.5 14 8 3 14.5z" fill="currentColor" />
    </svg>
  );
}
