import { useEffect, useRef } from "react";
import { span } from "../calendar.ts";
import type { Range } from "./chart.tsx";
import type { PlotModel } from "./plot.ts";

/** RangeActions asks what is to happen with a range of time that was drawn in a chart. */
export function RangeActions({
  model,
  range,
  width,
  onDo,
  onLeave,
}: {
  model: PlotModel;
  range: Range;
  width: number;
  onDo: (does: "events" | "zoom") => void;
  onLeave: () => void;
}) {
  const first = useRef<HTMLButtonElement>(null);
  useEffect(() => first.current?.focus(), []);
  const [from, to] = [model.buckets[range.first], model.buckets[range.last]];
  if (!from || !to) return null;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape leaves it, as it does every popover.
    <div
      className="chart-range"
      style={{ left: Math.min(Math.max(range.left, 130), Math.max(130, width - 130)) }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onLeave();
      }}
    >
      <p>{span(from.counted.from, to.counted.to, model.zone)}</p>
      <button type="button" className="button primary" ref={first} onClick={() => onDo("events")}>
        Show events
      </button>
      <button type="button" className="button" onClick={() => onDo("zoom")}>
        Zoom in
      </button>
      <button type="button" className="button quiet" aria-label="Leave the range" onClick={onLeave}>
        ✕
      </button>
    </div>
  );
}
