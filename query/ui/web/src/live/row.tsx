import { type MouseEvent, memo, type ReactNode, useMemo } from "react";
import type { Event } from "../api/types.ts";
import type { Column } from "../events/columns.ts";
import { addressWith } from "../state/location.ts";
import { clock, stamp } from "../state/time.ts";
import { SeverityMark } from "../ui/severity.tsx";
import type { Note, Row } from "./protocol.ts";
import { eventOf } from "./store.ts";
import { noteWords } from "./words.ts";

interface Place {
  number: number; // of the row, among all that ever came
  index: number; // among those that are kept
  y: number; // in pixels
}

interface Look {
  columns: readonly Column[];
  zone: string;
  narrow: boolean;
}

/** LiveRow is a row of the list. It is painted anew only where what it shows is another thing. */
export const LiveRow = memo(function LiveRow({
  row,
  number,
  index,
  y,
  active,
  opened,
  begins,
  ...look
}: { row: Row; active: boolean; opened: boolean; begins: boolean } & Place & Look) {
  const place = { number, index, y, active, begins };
  if (typeof row !== "string") return <NoteRow note={row} {...place} {...look} />;
  return <EventRow text={row} opened={opened} {...place} {...look} />;
});

type Placed = Place & Look & { active: boolean; begins: boolean };

function frame({ number, index, y, active, begins }: Placed, className: string, current: boolean) {
  return {
    className: [className, active && "live-row-active", begins && "live-row-begins"].filter(Boolean).join(" "),
    "aria-rowindex": index + 3,
    "aria-current": current || undefined,
    "data-number": number,
    style: { transform: `translateY(${y}px)` },
  } as const;
}

function EventRow({ text, opened, ...placed }: { text: string; opened: boolean } & Placed) {
  const event = useMemo(() => eventOf(text), [text]);
  if (!event)
    return (
      <Plain {...frame(placed, "live-row", false)} columns={placed.columns.length}>
        {text}
      </Plain>
    );
  const { columns, zone, narrow } = placed;
  return (
    <tr {...frame(placed, `live-row live-row-${event.severity.toLowerCase()}`, opened)}>
      {columns.map((column) => (
        <td key={column.id} className={column.mono ? "live-cell mono" : "live-cell"}>
          <Cell event={event} column={column} zone={zone} narrow={narrow} />
        </td>
      ))}
    </tr>
  );
}

function Cell({ event, column, zone, narrow }: { event: Event; column: Column; zone: string; narrow: boolean }) {
  switch (column.id) {
    case "severity":
      return <SeverityMark severity={event.severity} short={narrow} />;
    case "createdAt":
      return narrow ? clock(event.createdAt, zone) : stamp(event.createdAt, zone);
    case "eventType":
      return <a href={permalink(event.eventId)}>{event.eventType}</a>;
    default:
      return column.text(event, zone);
  }
}

/** permalink is the address of this view with an event opened. */
function permalink(id: string): string {
  return addressWith(window.location.pathname, window.location.search, { event: id });
}

/** eventAt returns the row of the event that was clicked on; null where the browser is to do what it does with a click. */
export function eventAt(click: MouseEvent): number | null {
  if (click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return null;
  // Whoever marks a text to copy it opens nothing.
  if (window.getSelection()?.type === "Range") return null;
  const row = (click.target as Element).closest<HTMLElement>("tr[data-number]");
  return row ? Number(row.dataset["number"]) : null;
}

function NoteRow({ note, ...placed }: { note: Note } & Placed) {
  const { title, detail } = noteWords(note, (time) => stamp(time, placed.zone));
  return (
    <Plain {...frame(placed, `live-row live-note live-note-${note.kind}`, false)} columns={placed.columns.length}>
      <b>{title}</b> <span title={detail}>{detail}</span>
    </Plain>
  );
}

/** Plain is a row of one cell. */
function Plain({ columns, children, ...rest }: { columns: number; children: ReactNode } & ReturnType<typeof frame>) {
  return (
    <tr {...rest}>
      <td className="live-cell live-cell-wide" colSpan={columns}>
        {children}
      </td>
    </tr>
  );
}
