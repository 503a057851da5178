import { memo, useState } from "react";
import type { Facet, Severity } from "../api/types.ts";
import { severities } from "../api/types.ts";
import { columnOf } from "../events/columns.ts";
import { fieldsLike } from "../filterbar/completion.ts";
import { scopeOf, useFields } from "../filterbar/fields.ts";
import { missing, type Standing, standings, toggled } from "../query/conditions.ts";
import { and } from "../query/language.ts";
import { useFilter } from "../state/filter.ts";
import { useParams } from "../state/location.ts";
import { count, events } from "../state/numbers.ts";
import { announce } from "../ui/announce.tsx";
import { Combobox } from "../ui/combobox.tsx";
import { useLate } from "../ui/late.ts";
import { SeverityMark } from "../ui/severity.tsx";
import { Failed } from "../ui/state.tsx";
import { fewValues, useFacet, useKept } from "./store.ts";
import "./facets.css";

const defaultFields = ["eventType", "category", "severity", "source", "actorId", "targetType"];

/** What the address has where somebody has taken out every facet. */
const noFields = "none";

/** FacetPanel shows the top values of fields, which narrow the filter. An answer to the search leaves it as it is. */
export const FacetPanel = memo(function FacetPanel({ run, enabled }: { run: number; enabled: boolean }) {
  const [params, change] = useParams();
  const asked = params.getAll("facet");
  const fields = asked.length === 0 ? defaultFields : asked.filter((field) => field !== noFields);
  const folded = params.getAll("folded");
  const set = (list: string[]) =>
    change(
      { facet: list.length === 0 ? [noFields] : list.join() === defaultFields.join() ? null : list },
      { replace: true },
    );
  const fold = (field: string) =>
    change(
      { folded: folded.includes(field) ? folded.filter((one) => one !== field) : [...folded, field] },
      { replace: true },
    );

  return (
    <div className="facets">
      {fields.map((field) => (
        <FacetSection
          key={field}
          field={field}
          fields={fields}
          folded={folded.includes(field)}
          run={run}
          enabled={enabled}
          onFold={() => fold(field)}
          onRemove={() => {
            set(fields.filter((one) => one !== field));
            announce(`Took out the facet ${columnOf(field).label}`);
          }}
        />
      ))}
      <AddField chosen={fields} onAdd={(field) => set([...fields, field])} />
    </div>
  );
});

function FacetSection({
  field,
  fields,
  folded,
  run,
  enabled,
  onFold,
  onRemove,
}: {
  field: string;
  fields: readonly string[];
  folded: boolean;
  run: number;
  enabled: boolean;
  onFold: () => void;
  onRemove: () => void;
}) {
  const [filter, change] = useFilter();
  const [more, setMore] = useState(false);
  const facet = useFacet(filter, field, fields, more, run, enabled && !folded);
  const { data, stale } = useKept(facet.data);
  const label = columnOf(field).label;

  const toggle = (value: string, excluded: boolean) => change({ q: toggled(filter.q, field, value, excluded) });

  return (
    <section className="facet" aria-label={label}>
      <h2>
        <button
          type="button"
          className="button quiet facet-fold"
          aria-expanded={!folded}
          onClick={onFold}
          title={field}
        >
          <svg viewBox="0 0 16 16" width="10" height="10" aria-hidden="true">
            <path d="M4 6l4 4 4-4" fill="none" stroke="currentColor" strokeWidth="2" />
          </svg>
          <span className="facet-label">{label}</span>
          {data && <span className="muted">{count(data.distinct)}</span>}
        </button>
        <button
          type="button"
          className="button quiet facet-remove"
          aria-label={`Take out the facet ${label}`}
          onClick={onRemove}
        >
          ✕
        </button>
      </h2>
      {!folded &&
        (facet.error ? (
          <Failed error={facet.error} retry={() => void facet.refetch()} />
        ) : data ? (
          <Values
            facet={data}
            stale={stale}
            q={filter.q}
            onToggle={toggle}
            onMissing={() => change({ q: and(filter.q, missing(field)) })}
            onMore={data.distinct > fewValues ? () => setMore(!more) : undefined}
            more={more}
          />
        ) : (
          <div className="facet-waiting" />
        ))}
    </section>
  );
}

interface Line {
  value: string;
  count: number | null; // null: not among the top values
  standing: Standing;
}

/** linesOf returns the top values, and before them those that the filter names and that are none of the top. */
function linesOf(facet: Facet, q: string): Line[] {
  const named = standings(q, facet.field);
  const top = new Set(facet.values.map(({ value }) => value));
  return [
    ...[...named].filter(([value]) => !top.has(value)).map(([value, standing]) => ({ value, count: null, standing })),
    ...facet.values.map(({ value, count }) => ({ value, count, standing: named.get(value) ?? null })),
  ];
}

function Values({
  facet,
  stale,
  q,
  onToggle,
  onMissing,
  onMore,
  more,
}: {
  facet: Facet;
  stale: boolean;
  q: string;
  onToggle: (value: string, excluded: boolean) => void;
  onMissing: () => void;
  onMore: (() => void) | undefined;
  more: boolean;
}) {
  const late = useLate(stale);
  const lines = linesOf(facet, q);
  const most = facet.values[0]?.count ?? 1;
  return (
    <>
      <ul className={late ? "facet-values stale" : "facet-values"}>
        {lines.map((line) => (
          <ValueLine
            key={line.value}
            field={facet.field}
            line={line}
            share={(line.count ?? 0) / most}
            onToggle={(excluded) => onToggle(line.value, excluded)}
          />
        ))}
        {facet.missing > 0 && (
          <li className="facet-value">
            <button type="button" className="facet-include" onClick={onMissing}>
              <span className="facet-text muted">has none</span>
              <span className="facet-count">{count(facet.missing)}</span>
            </button>
          </li>
        )}
      </ul>
      {lines.length === 0 && facet.missing === 0 && <p className="facet-note">No values</p>}
      {onMore && (
        <button type="button" className="button quiet facet-more" onClick={onMore}>
          {more
            ? "Fewer"
            : `${count(Math.max(facet.distinct - facet.values.length, 0))} more values, ${events(facet.other)}`}
        </button>
      )}
      {more && facet.other > 0 && (
        <p className="facet-note">
          The others of {count(facet.distinct)} values have {events(facet.other)}.
        </p>
      )}
    </>
  );
}

function ValueLine({
  field,
  line,
  share,
  onToggle,
}: {
  field: string;
  line: Line;
  share: number;
  onToggle: (excluded: boolean) => void;
}) {
  const { value, standing } = line;
  const severity = field === "severity" && (severities as readonly string[]).includes(value);
  return (
    <li className={standing ? `facet-value facet-${standing}` : "facet-value"}>
      <button
        type="button"
        className="facet-include"
        aria-pressed={standing === "included"}
        title={`${value}: click for only these, Alt-click to leave them out`}
        onClick={(event) => onToggle(event.altKey)}
      >
        <span className="facet-bar" style={{ width: `${Math.max(share * 100, 1)}%` }} />
        <span className="facet-text">
          {severity ? <SeverityMark severity={value as Severity} /> : value || "empty"}
        </span>
        <span className="facet-count">{line.count === null ? "–" : count(line.count)}</span>
      </button>
      <button
        type="button"
        className="facet-exclude"
        aria-pressed={standing === "excluded"}
        aria-label={`Leave out ${value}`}
        title={standing === "excluded" ? "Left out; click to have it back" : "Leave it out (Alt-click)"}
        onClick={() => onToggle(true)}
      >
        <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
          <path d="M3 8h10" stroke="currentColor" strokeWidth="1.6" />
        </svg>
      </button>
    </li>
  );
}

/** AddField adds a facet of any field, those of payloads too. */
function AddField({ chosen, onAdd }: { chosen: readonly string[]; onAdd: (field: string) => void }) {
  const [filter] = useFilter();
  const [typed, setTyped] = useState("");
  const [used, setUsed] = useState(false);
  const fields = useFields(scopeOf(filter), typed, used);
  const options = fieldsLike(fields, typed)
    .filter(({ name }) => !chosen.includes(name) && name !== "createdAt" && name !== "ingestedAt")
    .slice(0, 50);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: It only notices that the input within is used.
    <div className="facet-add" onFocus={() => setUsed(true)}>
      <Combobox
        label="Add a facet"
        placeholder="Add a field …"
        text={typed}
        onText={setTyped}
        options={options.map(({ name, examples }) => ({ key: name, label: name, detail: examples[0] ?? "" }))}
        {...(options.length === 0 && { note: "No such field in these events." })}
        onChoose={(name) => {
          setTyped("");
          onAdd(name);
        }}
        onLeave={() => setTyped("")}
      />
    </div>
  );
}
