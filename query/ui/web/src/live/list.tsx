import { type CSSProperties, type MouseEvent, type ReactNode, useEffect, useMemo, useState } from "react";
import { columnOf, defaultColumns } from "../events/columns.ts";
import { useColumns, useDensity } from "../search/columns.tsx";
import { sameFilterAt } from "../state/filter.ts";
import { useParams } from "../state/location.ts";
import { count } from "../state/numbers.ts";
import { Link } from "../ui/link.tsx";
import { useShortcut } from "../ui/shortcuts.tsx";
import { Empty } from "../ui/state.tsx";
import { eventAt, LiveRow } from "./row.tsx";
import { useScroll } from "./scroll.ts";
import type { LiveStore, Screen } from "./store.ts";

/** How high rows are, in pixels. */
const heights = { compact: 22, normal: 30, roomy: 40 };

/** What fits into little room, in this order, unless somebody chose. */
const narrowColumns = ["severity", "createdAt", "eventType", "payload"];
const narrowWidths: Record<string, number> = { severity: 26, createdAt: 78, eventType: 150, payload: 200 };
const narrowBelow = 640;

/**
 * LiveList is the rows, the newest at the bottom, as in a terminal: what comes then moves nothing that stands above
 * it, so that a paused list stays as it is while it grows, reading on is scrolling down, and the order of reading is
 * the order of time. `at` is the row of the event that is opened.
 */
export function LiveList({
  store,
  screen,
  zone,
  at,
  onOpen,
}: {
  store: LiveStore;
  screen: Screen;
  zone: string;
  at: number;
  onOpen: (id: string) => void;
}) {
  const [chosen] = useColumns();
  const [density] = useDensity();
  const height = heights[density];
  const scroll = useScroll(store, screen, height);
  const { scroller, hold, show } = scroll;
  const [active, setActive] = useState(-1); // the row that keys act on
  const { first, next, paused } = screen;

  // biome-ignore lint/correctness/useExhaustiveDependencies: It is shown when it is opened, and not whenever something is painted.
  useEffect(() => {
    if (at < 0) return;
    setActive(at);
    hold();
    show(at);
  }, [at]);

  const narrow = scroll.width < narrowBelow;
  const key = (narrow && chosen.join() === defaultColumns.join() ? narrowColumns : chosen).join("\n");
  const columns = useMemo(() => key.split("\n").map(columnOf), [key]);
  const widths = columns.map((column) => (narrow && narrowWidths[column.id]) || column.width);
  const style = {
    "--row": `${height}px`,
    "--columns": widths.map((width, i) => (i < widths.length - 1 ? `${width}px` : `minmax(${width}px, 1fr)`)).join(" "),
    "--width": `${widths.reduce((a, b) => a + b, 0)}px`,
  } as CSSProperties;

  const openRow = (number: number) => {
    const event = store.event(number);
    if (!event) return;
    hold();
    onOpen(event.eventId);
  };
  const step = (by: 1 | -1) => {
    hold();
    const to = active >= first && active < next ? store.after(active, by) : store.after(next, -1);
    if (to < 0) return;
    setActive(to);
    show(to);
    if (at >= 0) openRow(to);
  };
  const clicked = (event: MouseEvent) => {
    const number = eventAt(event);
    if (number === null) return;
    event.preventDefault();
    setActive(number);
    openRow(number);
  };
  // Where something else has the focus, arrows scroll that.
  const here = () => document.activeElement === document.body || document.activeElement === scroller.current;
  useShortcut("j", "next event", () => step(1));
  useShortcut("k", "previous event", () => step(-1));
  useShortcut("ArrowDown", "next event", () => step(1), true, here);
  useShortcut("ArrowUp", "previous event", () => step(-1), true, here);
  useShortcut(["e", "Enter"], "open the event", () => openRow(active));
  useShortcut("G", "the newest event, and what comes", scroll.resume);

  const rows: ReactNode[] = [];
  for (let number = scroll.begin; number < scroll.end; number++) {
    const row = store.kept.get(number);
    if (row === undefined) continue;
    rows.push(
      <LiveRow
        key={scroll.slot(number)}
        row={row}
        number={number}
        index={number - first}
        y={scroll.y(number)}
        active={paused && number === active}
        opened={number === at}
        begins={paused && number === screen.mark}
        columns={columns}
        zone={zone}
        narrow={narrow}
      />,
    );
  }

  return (
    <div className="live-list" data-paused={paused} style={style}>
      <section
        ref={scroller}
        className="live-scroll"
        aria-label="Live events"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls must be scrolled with the keyboard as well.
        tabIndex={0}
        {...scroll.handlers}
        onFocus={(event) => event.target !== scroller.current && hold()}
      >
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: Each row has a link, which keys press. */}
        <table className="live-table" aria-rowcount={next - first + 2} onClick={clicked}>
          <thead className="live-head">
            <tr aria-rowindex={1}>
              {columns.map((column) => (
                <th key={column.id} scope="col" className="live-cell" title={column.id}>
                  {narrow && column.id === "severity" ? (
                    <span className="hidden-text">{column.label}</span>
                  ) : (
                    column.label
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="live-rows" style={{ height: scroll.height }}>
            <Older y={scroll.y(first - 1)} columns={columns.length} />
            {rows}
          </tbody>
        </table>
      </section>
      {next === first && (
        <Empty title="Nothing that matches has come yet">
          <p>New events appear here by themselves.</p>
        </Empty>
      )}
      {paused && (
        <button type="button" className="button primary live-new" onClick={scroll.resume}>
          {screen.waiting > 0 ? `${count(screen.waiting)}${screen.letGo ? "+" : ""} new` : "Back to the newest"}
          <span aria-hidden="true">↓</span>
        </button>
      )}
    </div>
  );
}

/** Older is the line above the oldest row that is kept. */
function Older({ y, columns }: { y: number; columns: number }) {
  const [params] = useParams();
  return (
    <tr aria-rowindex={2} className="live-row live-older" style={{ transform: `translateY(${y}px)` }}>
      <td className="live-cell live-cell-wide" colSpan={columns}>
        What came before is not kept here. <Link to={sameFilterAt("/", params)}>Search for it</Link>
      </td>
    </tr>
  );
}
