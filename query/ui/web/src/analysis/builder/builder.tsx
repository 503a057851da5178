import { useEffect, useId, useState } from "react";
import { Problem } from "../../api/client.ts";
import { useParams } from "../../state/location.ts";
import { bucketWords } from "../calendar.ts";
import { useMedia } from "../chart/surroundings.ts";
import { faultOf } from "../request.ts";
import { type Analysis, buckets, changesOf, complete, type Fill, fills, measureName, most } from "../state.ts";
import { FieldBox } from "./fieldbox.tsx";
import { Measures } from "./measures.tsx";
import "./builder.css";

/** Builder says what is computed. Every change is in the address at once. */
export function Builder({
  analysis,
  error,
  chosenBucket,
}: {
  analysis: Analysis;
  error: unknown;
  /** What the server made of "auto". */
  chosenBucket: string | null;
}) {
  const [, change] = useParams();
  const set = (changes: Partial<Analysis>) => {
    // Series that were hidden, and the order of the table, are of other groups and measures.
    const others = changes.by || changes.measures ? { hide: null, only: null, sort: null } : {};
    change({ ...changesOf({ ...analysis, ...changes }), ...others });
  };
  const parts = (
    <div className="builder-parts">
      <Measures analysis={analysis} error={error} onChange={(measures) => set({ measures })} />
      <GroupBy analysis={analysis} error={error} onChange={(by) => set({ by })} />
      <Time analysis={analysis} error={error} chosenBucket={chosenBucket} onChange={set} />
      {analysis.by.length > 0 && <Top analysis={analysis} error={error} onChange={set} />}
    </div>
  );
  // On a small screen the figures come first, unless there is something to mend.
  const narrow = useMedia("(max-width: 600px)");
  return (
    <section className="builder" aria-label="What is computed">
      {narrow ? (
        <details open={error instanceof Problem || !analysis.measures.every(complete)}>
          <summary>Change what is computed</summary>
          {parts}
        </details>
      ) : (
        parts
      )}
    </section>
  );
}

function Fault({ id, error, field }: { id: string; error: unknown; field: string }) {
  const fault = faultOf(error, field);
  return fault ? (
    <p id={id} role="alert" className="builder-fault">
      {fault.message}
    </p>
  ) : null;
}

function GroupBy({
  analysis: { by },
  error,
  onChange,
}: {
  analysis: Analysis;
  error: unknown;
  onChange: (by: string[]) => void;
}) {
  return (
    <fieldset className="builder-part">
      <legend>Group by</legend>
      <div className="builder-row">
        {by.map((field) => (
          <span key={field} className="builder-chip">
            <span className="mono">{field}</span>
            <button
              type="button"
              aria-label={`Don't group by ${field}`}
              onClick={() => onChange(by.filter((one) => one !== field))}
            >
              ✕
            </button>
          </span>
        ))}
        {by.length < most.by && (
          <FieldBox
            label="Group by another field"
            value=""
            taken={by}
            placeholder={by.length > 0 ? "+ field" : "nothing; + field"}
            onChoose={(name) => onChange([...by.filter((one) => one !== name), name])}
          />
        )}
      </div>
      <Fault id="builder-by" error={error} field="groupBy" />
    </fieldset>
  );
}

const fillNames: Record<Fill, string> = { zero: "are zero", gap: "are gaps", join: "are passed over" };

function Time({
  analysis,
  error,
  chosenBucket,
  onChange,
}: {
  analysis: Analysis;
  error: unknown;
  chosenBucket: string | null;
  onChange: (changes: Partial<Analysis>) => void;
}) {
  const { bucket, fill, previous } = analysis;
  const place = useId();
  const name = (one: string) => {
    if (one === "none") return "the whole time";
    if (one !== "auto") return bucketWords(one);
    return bucket === "auto" && chosenBucket ? `auto: ${bucketWords(chosenBucket)}` : "auto";
  };
  return (
    <fieldset className="builder-part">
      <legend>Time</legend>
      <div className="builder-row">
        <label className="builder-inline">
          Every
          <select
            className="input"
            value={bucket}
            aria-invalid={faultOf(error, "bucket") !== undefined}
            aria-describedby={place}
            onChange={(event) => onChange({ bucket: event.target.value })}
          >
            {!buckets.includes(bucket) && <option value={bucket}>{bucket}</option>}
            {buckets.map((one) => (
              <option key={one} value={one}>
                {name(one)}
              </option>
            ))}
          </select>
        </label>
        {bucket !== "none" && (
          <label className="builder-inline">
            Empty ones
            <select className="input" value={fill} onChange={(event) => onChange({ fill: event.target.value as Fill })}>
              {fills.map((one) => (
                <option key={one} value={one}>
                  {fillNames[one]}
                </option>
              ))}
            </select>
          </label>
        )}
        <label className="builder-inline">
          <input
            type="checkbox"
            checked={previous}
            aria-describedby={place}
            onChange={(event) => onChange({ previous: event.target.checked })}
          />
          Compare with the period before
        </label>
      </div>
      <Fault id={place} error={error} field="bucket" />
      <Fault id={place} error={error} field="compare" />
    </fieldset>
  );
}

function Top({
  analysis,
  error,
  onChange,
}: {
  analysis: Analysis;
  error: unknown;
  onChange: (changes: Partial<Analysis>) => void;
}) {
  const { top, rank, other, measures } = analysis;
  const [typed, setTyped] = useState(String(top));
  useEffect(() => setTyped(String(top)), [top]);
  const commit = () => {
    const n = Math.min(most.top, Math.max(1, Math.round(Number(typed)) || top));
    setTyped(String(n));
    if (n !== top) onChange({ top: n });
  };
  return (
    <fieldset className="builder-part">
      <legend>Groups</legend>
      <div className="builder-row">
        <label className="builder-inline">
          The top
          <input
            className="input builder-top"
            type="number"
            min={1}
            max={most.top}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            onBlur={commit}
            onKeyDown={(event) => event.key === "Enter" && commit()}
          />
        </label>
        {measures.length > 1 && (
          <label className="builder-inline">
            ranked by
            <select className="input" value={rank} onChange={(event) => onChange({ rank: Number(event.target.value) })}>
              {measures.map((measure, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: A measure is its place in the list.
                <option key={i} value={i}>
                  {measureName(measure)}
                </option>
              ))}
            </select>
          </label>
        )}
        <label className="builder-inline">
          <input type="checkbox" checked={other} onChange={(event) => onChange({ other: event.target.checked })} />
          All others as one
        </label>
      </div>
      <Fault id="builder-groups" error={error} field="top" />
    </fieldset>
  );
}
