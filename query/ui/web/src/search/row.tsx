// biome-ignore-all lint/a11y/useSemanticElements: Rows of a virtual table lie apart, which the parts of a <table> can't.
// biome-ignore-all lint/a11y/useFocusableInteractive: The grid has the focus; aria-activedescendant tells which row it is at.
import { type CSSProperties, memo } from "react";
import { columnOf } from "../events/columns.ts";
import { SeverityMark } from "../ui/severity.tsx";
import { cellPieces, type Marks, marksOf, type Piece } from "./marks.ts";
import type { Found } from "./store.ts";

/** rowId is the element's id of a row, for aria-activedescendant. */
export function rowId(index: number): string {
  return `event-row-${index}`;
}

interface RowProps {
  found: Found;
  index: number;
  ids: readonly string[];
  zone: string;
  active: boolean;
  open: boolean;
  narrow: boolean;
  style: CSSProperties;
}

/** Row is one event of the table. */
export const Row = memo(
  function Row({ found, index, ids, zone, active, open, narrow, style }: RowProps) {
    const marks = marksOf(found.highlights);
    const { severity } = found.event;
    const names = ["row", `row-${severity.toLowerCase()}`];
    if (active) names.push("row-active");
    if (open) names.push("row-open");
    return (
      <div
        role="row"
        id={rowId(index)}
        data-index={index}
        aria-rowindex={index + 2}
        aria-selected={open}
        className={names.join(" ")}
        style={style}
      >
        {narrow ? (
          <NarrowCells found={found} ids={ids} zone={zone} marks={marks} />
        ) : (
          ids.map((id) => <Cell key={id} id={id} found={found} zone={zone} marks={marks} />)
        )}
      </div>
    );
  },
  (a, b) =>
    a.found === b.found &&
    a.index === b.index &&
    a.ids === b.ids &&
    a.zone === b.zone &&
    a.active === b.active &&
    a.open === b.open &&
    a.narrow === b.narrow &&
    a.style["transform"] === b.style["transform"] &&
    a.style["height"] === b.style["height"],
);

function Cell({ id, found, zone, marks }: { id: string; found: Found; zone: string; marks: Marks }) {
  return (
    <div role="gridcell" className={columnOf(id).mono ? "cell mono" : "cell"}>
      <Content id={id} found={found} zone={zone} marks={marks} />
    </div>
  );
}

function Content({ id, found, zone, marks }: { id: string; found: Found; zone: string; marks: Marks }) {
  if (id === "severity") {
    const mark = <SeverityMark severity={found.event.severity} />;
    return marks.fields.has("severity") ? <mark>{mark}</mark> : mark;
  }
  return <Pieces pieces={cellPieces(id, found.event, zone, marks)} />;
}

/** NarrowCells are the columns in two lines, where there is no room for them side by side. */
function NarrowCells({ found, ids, zone, marks }: Pick<RowProps, "found" | "ids" | "zone"> & { marks: Marks }) {
  const head = ["severity", "createdAt", "eventType"];
  const rest = ids.filter((id) => !head.includes(id));
  return (
    <div role="gridcell" className="narrow">
      <span className="narrow-line">
        <SeverityMark severity={found.event.severity} />
        <strong className="narrow-type">
          <Content id="eventType" found={found} zone={zone} marks={marks} />
        </strong>
        <span className="mono muted">{columnOf("createdAt").text(found.event, zone).slice(5, 19)}</span>
      </span>
      <span className="narrow-line mono">
        {rest.map((id) => (
          <span key={id} className="narrow-part">
            <Content id={id} found={found} zone={zone} marks={marks} />
          </span>
        ))}
      </span>
    </div>
  );
}

function Pieces({ pieces }: { pieces: Piece[] }) {
  return pieces.map(({ text, marked, name }, i) => {
    if (marked)
      return (
        // biome-ignore lint/suspicious/noArrayIndexKey: Pieces have no identity but their place.
        <mark key={i}>{text}</mark>
      );
    if (name)
      return (
        // biome-ignore lint/suspicious/noArrayIndexKey: As above.
        <span key={i} className="muted">
          {text}
        </span>
      );
    return text;
  });
}
