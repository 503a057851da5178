import { useState } from "react";
import { severities } from "../../api/types.ts";
import { useParams } from "../../state/location.ts";
import { count, measure as measured } from "../../state/numbers.ts";
import { SeverityMark } from "../../ui/severity.tsx";
import type { Entry } from "../chart/look.ts";
import { Swatch } from "../chart/swatch.tsx";
import { changeText, otherLabel, type Shape, valueLabel } from "../shape.ts";
import { isolated, type Showing, shown, toggled } from "../state.ts";
import { ToEvents } from "../ways.tsx";
import { type Column, columnsOf, nextSort, numberIn, sorted } from "./columns.ts";
import "./table.css";

const page = 100;

/**
 * Groups lists the series with their totals. Beside a chart it is the legend, which hides and isolates series, and
 * tells by onPoint which one is pointed at.
 */
export function Groups({
  shape,
  entries,
  showing,
  legend,
  onPoint,
}: {
  shape: Shape;
  entries: Entry[];
  showing: Showing;
  legend: boolean;
  onPoint: (series: string | null) => void;
}) {
  const [, change] = useParams();
  const [all, setAll] = useState(false);
  const columns = columnsOf(shape);
  const rows = sorted(shape, entries, showing.sort);
  const listed = all ? rows : rows.slice(0, page);
  const hidden = entries.filter((entry) => !shown(showing, entry.label)).length;
  const { by } = shape.analysis;
  const heads = by.length > 0 ? by : ["measure"];
  return (
    <section aria-label="Series" className="groups">
      {legend && hidden > 0 && (
        <p className="groups-hidden">
          {hidden} of {entries.length} series {hidden === 1 ? "is" : "are"} hidden.
          <button
            type="button"
            className="button quiet"
            onClick={() => change({ hide: null, only: null }, { replace: true })}
          >
            Show all
          </button>
        </p>
      )}
      <div className="scrolled">
        <table className="table groups-table">
          <caption className="hidden-text">Totals of each series</caption>
          <thead>
            <tr>
              {legend && (
                <th scope="col" className="groups-toggle">
                  <span className="hidden-text">Shown</span>
                </th>
              )}
              {heads.map((name, i) => (
                <Head key={name} id={`d${i}`} name={name} sort={showing.sort} />
              ))}
              {columns.map((column) => (
                <Head key={column.id} id={column.id} name={column.name} sort={showing.sort} number />
              ))}
              {legend && (
                <th scope="col">
                  <span className="hidden-text">Isolate</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody onMouseLeave={() => onPoint(null)}>
            {listed.map((entry) => (
              <Row
                key={entry.key}
                shape={shape}
                entry={entry}
                columns={columns}
                showing={showing}
                legend={legend}
                onPoint={onPoint}
              />
            ))}
          </tbody>
          {by.length > 0 && shape.totals.length > 0 && <Foot shape={shape} columns={columns} legend={legend} />}
        </table>
      </div>
      {rows.length > listed.length && (
        <button type="button" className="button" onClick={() => setAll(true)}>
          Show all {count(rows.length)} groups
        </button>
      )}
    </section>
  );
}

function Head({ id, name, sort, number = false }: { id: string; name: string; sort: string; number?: boolean }) {
  const [, change] = useParams();
  const order = sort === id ? "ascending" : sort === `-${id}` ? "descending" : undefined;
  return (
    <th scope="col" className={number ? "number" : undefined} aria-sort={order}>
      <button
        type="button"
        className="groups-sort"
        onClick={() => change({ sort: nextSort(sort, id) }, { replace: true })}
      >
        {name}
        <span aria-hidden="true">{order === "ascending" ? " ↑" : order === "descending" ? " ↓" : ""}</span>
      </button>
    </th>
  );
}

function Row({
  shape,
  entry,
  columns,
  showing,
  legend,
  onPoint,
}: {
  shape: Shape;
  entry: Entry;
  columns: Column[];
  showing: Showing;
  legend: boolean;
  onPoint: (series: string | null) => void;
}) {
  const [, change] = useParams();
  const on = shown(showing, entry.label);
  const alone = showing.only.length === 1 && showing.only[0] === entry.label;
  return (
    <tr className={legend && !on ? "groups-off" : undefined} onMouseEnter={() => onPoint(on ? entry.key : null)}>
      {legend && (
        <td className="groups-toggle">
          <button
            type="button"
            className="groups-swatch"
            aria-pressed={on}
            aria-label={`Show ${entry.label}`}
            onClick={() => change(toggled(showing, entry.label), { replace: true })}
          >
            <Swatch look={entry.look} off={!on} />
          </button>
        </td>
      )}
      <Names shape={shape} entry={entry} marked={!legend || shape.analysis.by.length > 1} />
      {columns.map((column) => (
        <td key={column.id} className={column.kind === "total" ? "number" : "number muted"}>
          {textIn(shape, entry, column)}
        </td>
      ))}
      {legend && (
        <td className="groups-only">
          <button
            type="button"
            className="button quiet"
            aria-pressed={alone}
            aria-label={`Only ${entry.label}`}
            onClick={() => change(isolated(showing, entry.label), { replace: true })}
          >
            Only
          </button>
        </td>
      )}
    </tr>
  );
}

/** Names are the cells that say which series it is. They lead to its events. Without `marked`, a swatch has the severity's sign. */
function Names({ shape, entry, marked }: { shape: Shape; entry: Entry; marked: boolean }) {
  const { by } = shape.analysis;
  const line = entry.measure === null ? entry.line : null;
  if (entry.measure !== null || entry.line.other)
    return (
      <th scope="row" colSpan={Math.max(1, by.length)}>
        <ToEvents line={line} className="groups-name">
          {entry.line.other ? `${otherLabel}: all other groups` : entry.label}
        </ToEvents>
      </th>
    );
  return by.map((field, i) => {
    const value = entry.line.values[i] ?? null;
    return i === 0 ? (
      <th key={field} scope="row">
        <ToEvents line={line} className="groups-name">
          <Name field={field} value={value} marked={marked} />
        </ToEvents>
      </th>
    ) : (
      <td key={field}>
        <Name field={field} value={value} marked={marked} />
      </td>
    );
  });
}

function Name({ field, value, marked }: { field: string; value: string | null; marked: boolean }) {
  const severity = marked && field === "severity" && severities.find((one) => one === value);
  return severity ? <SeverityMark severity={severity} /> : valueLabel(field, value);
}

function textIn(shape: Shape, entry: Entry, column: Column): string {
  const i = column.measure ?? entry.measure ?? 0;
  if (column.kind === "change") return changeText(entry.line.totals[i], entry.line.totalsBefore?.[i]);
  const value = numberIn(shape, entry, column);
  return column.kind === "share" ? share(value) : measured(value);
}

function share(part: number | null): string {
  if (part === null) return "–";
  return part > 0 && part < 0.001 ? "<0.1 %" : `${(part * 100).toFixed(1)} %`;
}

/** Foot has what all events have together, which for averages and distinct values is no sum. */
function Foot({ shape, columns, legend }: { shape: Shape; columns: Column[]; legend: boolean }) {
  return (
    <tfoot>
      <tr>
        {legend && <td />}
        <th scope="row" colSpan={shape.analysis.by.length}>
          <ToEvents line={null} className="groups-name">
            all together
          </ToEvents>
        </th>
        {columns.map(({ id, kind, measure }) => {
          const i = measure ?? 0;
          const [total, before] = [shape.totals[i], shape.totalsBefore?.[i]];
          const text =
            kind === "total"
              ? measured(total)
              : kind === "before"
                ? measured(before)
                : kind === "change"
                  ? changeText(total, before)
                  : "";
          return (
            <td key={id} className="number">
              {text}
            </td>
          );
        })}
        {legend && <td />}
      </tr>
    </tfoot>
  );
}
