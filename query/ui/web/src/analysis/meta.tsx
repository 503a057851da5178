import { Popover } from "radix-ui";
import { useState } from "react";
import type { Aggregate } from "../api/types.ts";
import { count } from "../state/numbers.ts";
import { length } from "../state/time.ts";
import { addsUp, type Shape } from "./shape.ts";

/** MetaLine says quietly what the answer was computed from, and aloud where it is not to be relied on. */
export function MetaLine({ meta, shape }: { meta: Aggregate["meta"]; shape: Shape }) {
  const [open, setOpen] = useState(false);
  const sure = meta.exact && !meta.partial;
  return (
    <div className="analysis-meta">
      {meta.partial && (
        <p role="alert" className="analysis-unsure">
          The server ran into a limit and looked at a part of the events only, so the figures are too low. Choose a
          shorter time or a narrower filter.
        </p>
      )}
      {!meta.exact && !meta.partial && (
        <p role="alert" className="analysis-unsure">
          The figures are estimates: the server did not look at every event. Choose a shorter time or a narrower filter
          for exact ones.
        </p>
      )}
      <p className="muted">
        {sure ? "exact" : "not exact"} · from {meta.source === "rollup" ? "counts kept ready" : "the events"} ·{" "}
        {count(meta.rowsRead)} rows read · {length(meta.elapsedMs)}{" "}
        <Popover.Root open={open} onOpenChange={setOpen}>
          <Popover.Trigger className="analysis-about">How is this counted?</Popover.Trigger>
          <Popover.Content
            className="popover analysis-explained"
            aria-label="How this is counted"
            sideOffset={4}
            collisionPadding={8}
          >
            <Explained meta={meta} shape={shape} />
          </Popover.Content>
        </Popover.Root>
      </p>
    </div>
  );
}

function Explained({ meta, shape }: { meta: Aggregate["meta"]; shape: Shape }) {
  const { measures, by } = shape.analysis;
  return (
    <>
      <p>
        {meta.source === "rollup"
          ? "Daybook keeps counts by the minute and by the quarter of an hour for type, category, source and severity. They say the same as the events and are faster to read; where the range ends inside of one, the events are read."
          : "Every event that matches was read."}
      </p>
      {meta.exact && <p>Nothing is sampled: distinct values and percentiles are of all values.</p>}
      {by.length > 0 && measures.some(({ op }) => !addsUp(op)) && (
        <p>
          Distinct values, averages and percentiles of groups don’t add up to those of all events: the last row of the
          table is computed from all of them.
        </p>
      )}
      <p>
        Buckets begin where the clocks of {shape.zone} say. The first and the last may reach over the range: they are
        shaded, and hold what lies in it.
      </p>
      {shape.before && (
        <p>The period before is as long as this one, and ends where this one begins. Its lines are dashed.</p>
      )}
    </>
  );
}
