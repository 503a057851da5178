import { useState } from "react";
import { count } from "../../state/numbers.ts";
import { length } from "../../state/time.ts";
import { cutAt, visible } from "../payload/text.ts";
import { type Change, type ComparedRow, changedPart } from "./difference.ts";

const signs: Record<Change, string> = { added: "+", removed: "−", changed: "≠" };

/** Totals says how many values differ, and in which way: the signs of the table are explained by it. */
export function Totals({ rows, apartMs }: { rows: readonly ComparedRow[]; apartMs: number }) {
  return (
    <p className="compare-totals">
      {(["changed", "added", "removed"] as const).map((change) => (
        <span key={change}>
          <Sign change={change} /> {count(rows.filter((row) => row.change === change).length)} {change}
        </span>
      ))}
      <span className="muted">{length(apartMs)} between them</span>
    </p>
  );
}

/** How many rows are put on the page at once. */
const slice = 200;

/** DifferenceTable shows values side by side. */
export function DifferenceTable({
  caption,
  rows,
  heads,
  none,
}: {
  caption: string;
  rows: readonly ComparedRow[];
  heads: readonly { name: string; label: string }[];
  none: string;
}) {
  const [shown, setShown] = useState(slice);
  return (
    <section aria-label={caption}>
      <h3>{caption}</h3>
      {rows.length === 0 ? (
        <p className="muted">{none}</p>
      ) : (
        <table className="table difference">
          <thead>
            <tr>
              <th scope="col">
                <span className="hidden-text">Change</span>
              </th>
              <th scope="col">Member</th>
              {heads.map(({ name, label }) => (
                <th key={label} scope="col">
                  {label}
                  <span className="hidden-text">: {name}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, shown).map((row) => (
              <DifferenceRow key={`${row.path} ${row.change === "added"}`} row={row} />
            ))}
          </tbody>
        </table>
      )}
      {rows.length > shown && (
        <button type="button" className="button" onClick={() => setShown(shown * 3)}>
          Show more: {count(rows.length - shown)} are left
        </button>
      )}
    </section>
  );
}

function Sign({ change }: { change: Change }) {
  return (
    <span className={`difference-sign difference-${change}`} aria-hidden="true">
      {signs[change]}
    </span>
  );
}

function DifferenceRow({ row: { path, change, before, after } }: { row: ComparedRow }) {
  // Of texts the part that differs is marked, of everything else the whole.
  const part = before?.startsWith('"') && after?.startsWith('"') && change ? changedPart(before, after) : null;
  return (
    <tr className={change ? undefined : "muted"}>
      <td>
        {change && (
          <>
            <Sign change={change} />
            <span className="hidden-text">{change}</span>
          </>
        )}
      </td>
      <th scope="row" className="mono">
        {path || "the payload"}
      </th>
      <td className="mono">
        <Side text={before} part={part && [part.from, part.toA]} kind="removed" whole={change !== null && !part} />
      </td>
      <td className="mono">
        <Side text={after} part={part && [part.from, part.toB]} kind="added" whole={change !== null && !part} />
      </td>
    </tr>
  );
}

/** How much of a value a cell shows before somebody asks for more. */
const most = 400;

function Side({
  text,
  part,
  kind,
  whole,
}: {
  text: string | null;
  part: readonly [from: number, to: number] | null;
  kind: "added" | "removed";
  whole: boolean;
}) {
  const [open, setOpen] = useState(false);
  if (text === null) return <span className="muted">–</span>;
  // A long text begins near to where it differs.
  const from = open || !part || part[0] < most / 2 ? 0 : cutAt(text, part[0] - 40);
  const to = open ? text.length : cutAt(text, from + most);
  const [a, b] = whole ? [from, to] : part ? [Math.min(part[0], to), Math.min(part[1], to)] : [from, from];
  const Marked = kind === "added" ? "ins" : "del";
  return (
    <>
      {from > 0 && "…"}
      {visible(text.slice(from, a))}
      {b > a && <Marked className={`difference-part difference-${kind}`}>{visible(text.slice(a, b))}</Marked>}
      {visible(text.slice(b, to))}
      {to - from < text.length && (
        <button type="button" className="tree-more" onClick={() => setOpen(true)}>
          … all {count(text.length)} characters
        </button>
      )}
    </>
  );
}
