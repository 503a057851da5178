import { type MouseEvent, type ReactNode, useLayoutEffect, useMemo, useRef, useState, type WheelEvent } from "react";
import { columnOf, defaultColumns } from "../events/columns.ts";
import { sameFilterAt } from "../state/filter.ts";
import { useParams } from "../state/location.ts";
import { count } from "../state/numbers.ts";
import { Link } from "../ui/link.tsx";
import { useShortcut } from "../ui/shortcuts.tsx";
import { Empty } from "../ui/state.tsx";
import { eventAt, LiveRow } from "./row.tsx";
import { eventOf, type LiveStore, type Screen } from "./store.ts";

/** Rows beyond the edges of the screen, so that scrolling meets no blank. */
const overscan = 8;

/** What fits into little room, in this order. */
const narrowColumns = ["severity", "createdAt", "eventType", "payload"];
const narrowWidths: Record<string, number> = { severity: 26, createdAt: 78, eventType: 150, payload: 200 };
const narrowBelow = 640;

/** How long a browser may go on with a scrolling that somebody began before they resumed. */
const glide = 1_000;

/** Browsers lay out nothing higher than some 30 million pixels: before that, places are counted anew. */
const highest = 10_000_000;

/**
 * LiveList is the rows, the newest at the bottom, as in a terminal: what comes then moves nothing that stands above
 * it, so that a paused list stays as it is while it grows, reading on is scrolling down, and the order of reading is
 * the order of time. All rows have one height, so that what is on the screen is known without measuring, whatever
 * their number.
 */
export function LiveList({ store, screen, zone }: { store: LiveStore; screen: Screen; zone: string }) {
  const [params, change] = useParams();
  const [box, setBox] = useState({ height: 0, width: 1000, row: 30 });
  const [top, setTop] = useState(0); // where a paused list stands, in pixels
  const [active, setActive] = useState(-1); // the row that keys act on
  const scroller = useRef<HTMLDivElement>(null);
  const base = useRef(0); // the row at the upper edge of all, under the line about older ones
  const { first, next, paused } = screen;
  const { row: rowHeight } = box;

  const moved = useRef(0);
  if (!paused) base.current = first;
  else if ((next - base.current) * rowHeight > highest) {
    moved.current += first - base.current;
    base.current = first;
  }
  const room = Math.max(box.height - 2 * rowHeight, rowHeight); // below the head, less the last line
  const total = next - base.current;
  const from = paused ? base.current + Math.floor(top / rowHeight) - 1 : next - Math.ceil(room / rowHeight) - 1;
  const begin = Math.max(first, from - overscan);
  const end = Math.min(next, from + Math.ceil(box.height / rowHeight) + 2 + overscan);
  const pool = Math.ceil(box.height / rowHeight) + 2 * overscan + 4;

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const measure = () =>
      setBox({
        height: element.clientHeight,
        width: element.clientWidth,
        row: Number.parseFloat(getComputedStyle(element).getPropertyValue("--row")) || 30,
      });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // The one write of layout for each time that something new is painted.
  // biome-ignore lint/correctness/useExhaustiveDependencies: What is pinned is the end of these rows in this room.
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element && !paused) element.scrollTop = element.scrollHeight;
  }, [paused, total, box]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || moved.current === 0) return;
    element.scrollTop -= moved.current * rowHeight;
    moved.current = 0;
    setTop(element.scrollTop);
  });

  const last = useRef(0);
  const resumed = useRef(Number.NEGATIVE_INFINITY);
  const touched = useRef(0);
  const touch = () => {
    touched.current = performance.now();
  };
  const resume = () => {
    resumed.current = performance.now();
    store.resume();
  };
  const scrolled = () => {
    const element = scroller.current;
    if (!element) return;
    const at = element.scrollTop;
    const lowest = element.scrollHeight - element.clientHeight;
    const down = at > last.current;
    last.current = at;
    if (!paused) {
      if (lowest - at < rowHeight) return;
      if (touched.current < resumed.current && performance.now() - resumed.current < glide) {
        element.scrollTop = element.scrollHeight;
        return;
      }
      store.pause();
    } else if (down && lowest - at <= 2) {
      resume();
      return;
    }
    setTop(at);
    store.reading(base.current + Math.floor(at / rowHeight));
  };
  const hold = () => {
    const element = scroller.current;
    if (!element || paused) return;
    setTop(element.scrollTop);
    last.current = element.scrollTop;
    store.pause();
    store.reading(base.current + Math.floor(element.scrollTop / rowHeight));
  };
  // Before the browser scrolls: where that is animated, it would be cut short by what comes.
  const wheeled = (event: WheelEvent) => {
    touch();
    const element = scroller.current;
    if (event.deltaY < 0 && element && element.scrollTop > 0) hold();
  };

  const narrow = box.width < narrowBelow;
  const cols = params.get("cols");
  const columns = useMemo(
    () => (narrow && !cols ? narrowColumns : (cols?.split(",") ?? defaultColumns)).map(columnOf),
    [narrow, cols],
  );
  const widths = columns.map((column) => (narrow && narrowWidths[column.id]) || column.width);
  const template = columns.map((column, i) =>
    column.id === "payload" || i === columns.length - 1 ? `minmax(${widths[i]}px, 1fr)` : `${widths[i]}px`,
  );

  const opened = params.get("event") ?? "";
  const open = (id: string) => {
    hold();
    change({ event: id }, { replace: opened !== "" });
  };
  const clicked = (event: MouseEvent) => {
    const id = eventAt(event);
    if (id === null) return;
    event.preventDefault();
    setActive(Number((event.target as HTMLElement).closest<HTMLElement>("[data-number]")?.dataset["number"]));
    open(id);
  };

  /** step moves to the next event, up or down, and shows it. */
  const step = (by: 1 | -1) => {
    const element = scroller.current;
    if (!element || next === first) return;
    hold();
    let to = active >= first && active < next ? active + by : next - 1;
    while (to >= first && to < next && typeof store.kept.get(to) !== "string") to += by;
    if (to < first || to >= next) return;
    setActive(to);
    const y = (to - base.current + 1) * rowHeight;
    const [upper, lower] = [element.scrollTop, element.scrollTop + element.clientHeight - 2 * rowHeight];
    if (y < upper) element.scrollTop = y;
    else if (y > lower) element.scrollTop = y - element.clientHeight + 2 * rowHeight;
    last.current = element.scrollTop; // It was not a person who scrolled down to the end.
    if (opened) openRow(to);
  };
  const openRow = (number: number) => {
    const row = store.kept.get(number);
    const event = typeof row === "string" ? eventOf(row) : null;
    if (event) open(event.eventId);
  };
  useShortcut(["j", "ArrowDown"], "the next event", () => step(1));
  useShortcut(["k", "ArrowUp"], "the event before", () => step(-1));
  useShortcut(["e", "Enter"], "open the event", () => openRow(active));

  const rows: ReactNode[] = [];
  for (let number = begin; number < end; number++) {
    const row = store.kept.get(number);
    if (row === undefined) continue;
    rows.push(
      <LiveRow
        // What scrolls on stays in its place of the document; what leaves makes room for what comes.
        key={number % pool}
        row={row}
        number={number}
        index={number - first}
        y={(number - base.current + 1) * rowHeight}
        active={number === active}
        opened={opened}
        begins={paused && number === screen.mark}
        columns={columns}
        zone={zone}
        narrow={narrow}
      />,
    );
  }

  return (
    <div className="live-list" data-paused={paused}>
      <section
        ref={scroller}
        className="live-scroll"
        aria-label="Live events"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls must be scrolled with the keyboard as well.
        tabIndex={0}
        onScroll={scrolled}
        onWheel={wheeled}
        onKeyDown={touch}
        onPointerDown={touch}
        onTouchMove={() => {
          touch();
          hold();
        }}
        onFocus={(event) => event.target !== scroller.current && hold()}
      >
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: Each row has a link, which keys press. */}
        <table
          className="live-table"
          aria-rowcount={next - first + 2}
          style={{ "--columns": template.join(" "), "--width": `${widths.reduce((a, b) => a + b, 0)}px` } as object}
          onClick={clicked}
        >
          <thead className="live-head">
            <tr aria-rowindex={1}>
              {columns.map((column) => (
                <th key={column.id} scope="col" className="live-cell">
                  {narrow && column.id === "severity" ? (
                    <span className="hidden-text">{column.label}</span>
                  ) : (
                    column.label
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="live-rows" style={{ height: (total + 1) * rowHeight }}>
            <Older y={(first - base.current) * rowHeight} columns={columns.length} />
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
        <button type="button" className="button primary live-new" onClick={resume}>
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
