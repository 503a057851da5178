import { useId } from "react";
import { measureFault } from "../request.ts";
import { type Analysis, complete, type Measure, most, needsField, type Op, ops } from "../state.ts";
import { FieldBox } from "./fieldbox.tsx";

/** Measures are what is computed of each group: one row each. */
export function Measures({
  analysis,
  error,
  onChange,
}: {
  analysis: Analysis;
  error: unknown;
  onChange: (measures: Measure[]) => void;
}) {
  const { measures } = analysis;
  const set = (index: number, measure: Measure) => onChange(measures.map((one, i) => (i === index ? measure : one)));
  return (
    <fieldset className="builder-part">
      <legend>Measure</legend>
      {measures.map((measure, i) => (
        <Row
          // biome-ignore lint/suspicious/noArrayIndexKey: A measure is its place in the list.
          key={i}
          index={i}
          measure={measure}
          fault={measureFault(error, analysis, i)?.message}
          onChange={(changed) => set(i, changed)}
          {...(i === measures.length - 1 &&
            i + 1 < most.measures && { onAdd: () => onChange([...measures, suggestion(measures)]) })}
          {...(measures.length > 1 && { onRemove: () => onChange(measures.filter((_, other) => other !== i)) })}
        />
      ))}
    </fieldset>
  );
}

/** suggestion is what another measure begins as. */
function suggestion(measures: Measure[]): Measure {
  return measures.some(({ op }) => op === "count") ? { op: "p95", field: "" } : { op: "count", field: "" };
}

function Row({
  index,
  measure,
  fault,
  onChange,
  onAdd,
  onRemove,
}: {
  index: number;
  measure: Measure;
  fault: string | undefined;
  onChange: (measure: Measure) => void;
  onAdd?: () => void;
  onRemove?: () => void;
}) {
  const place = useId();
  const { op, field } = measure;
  const chosen = ops[op as Op];
  const name = `Measure ${index + 1}`;
  const chooseOp = (next: string) => {
    const kind = ops[next as Op];
    const keeps = kind?.field && (!kind.number || field.startsWith("payload."));
    onChange({ op: next, field: keeps ? field : "" });
  };
  return (
    <div className="builder-row">
      <select
        className="input"
        aria-label={name}
        aria-invalid={fault !== undefined}
        aria-describedby={fault ? place : undefined}
        value={op}
        onChange={(event) => chooseOp(event.target.value)}
      >
        {!chosen && <option value={op}>{op}</option>}
        {Object.entries(ops).map(([key, { name: words }]) => (
          <option key={key} value={key}>
            {words === key ? key : `${key} – ${words}`}
          </option>
        ))}
      </select>
      {needsField(op) && (
        <>
          <span>of</span>
          <FieldBox
            label={`Field of measure ${index + 1}`}
            value={field}
            numbers={chosen?.number ?? false}
            placeholder={chosen?.number ? "a number: payload.…" : "a field"}
            onChoose={(next) => onChange({ op, field: next })}
          />
        </>
      )}
      {onRemove && (
        <button
          type="button"
          className="button quiet"
          aria-label={`Take out measure ${index + 1}: ${op}`}
          onClick={onRemove}
        >
          ✕
        </button>
      )}
      {onAdd && (
        <button type="button" className="button quiet" onClick={onAdd}>
          + Measure
        </button>
      )}
      {fault && (
        <p id={place} role="alert" className="builder-fault">
          {fault}
        </p>
      )}
      {!complete(measure) && <p className="muted builder-hint">Choose a field, and it is computed.</p>}
    </div>
  );
}
