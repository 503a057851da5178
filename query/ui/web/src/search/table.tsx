// biome-ignore-all lint/a11y/useSemanticElements: Rows of a virtual table lie apart, which the parts of a <table> can't.
// biome-ignore-all lint/a11y/useFocusableInteractive: The grid has the focus; aria-activedescendant tells which row it is at.
import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type KeyboardEvent,
  type MouseEvent,
  type Ref,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
} from "react";
import { columnOf } from "../events/columns.ts";
import { useLate } from "../ui/late.ts";
import { type Density, useColumns } from "./columns.tsx";
import { Row, rowId } from "./row.tsx";
import type { Found, Order } from "./store.ts";
import "./table.css";

/** How high rows are, in pixels, and where a row has two lines. */
const heights: Record<Density, number> = { compact: 22, normal: 30, roomy: 40 };
const narrowHeight = 50;

/** When so few rows are left below, and no more than so large a part of all, more are asked for. */
const ahead = 24;
const aheadPart = 1 / 4;

export interface TableHandle {
  show: (index: number) => void;
}

/** EventTable is the events that were found. Only those rows are made that are seen. */
export function EventTable({
  rows,
  zone,
  order,
  density,
  narrow,
  stale,
  complete,
  active,
  openId,
  onActive,
  onOpen,
  onOrder,
  onEnd,
  ref,
}: {
  rows: readonly Found[];
  zone: string;
  order: Order;
  density: Density;
  narrow: boolean;
  stale: boolean;
  complete: boolean; // there are no more of them
  active: number;
  openId: string | null;
  onActive: (index: number) => void;
  onOpen: (index: number) => void;
  onOrder: () => void;
  onEnd: () => void;
  ref: Ref<TableHandle>;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const [chosen] = useColumns();
  const key = chosen.join("\n");
  const ids = useMemo(() => key.split("\n"), [key]);
  const late = useLate(stale);
  const height = narrow ? narrowHeight : heights[density];
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 6,
    // The line of names covers what is behind it.
    scrollPaddingStart: narrow ? 0 : 30,
    paddingEnd: 8,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;

  // biome-ignore lint/correctness/useExhaustiveDependencies: The height of rows is what the measures depend on.
  useEffect(() => virtual.measure(), [height]);
  // Another answer is read from its beginning.
  const top = rows[0];
  // biome-ignore lint/correctness/useExhaustiveDependencies: The first event tells which answer it is.
  useLayoutEffect(() => {
    // Only where it isn't there: scrolling has the browser lay everything out before it is painted.
    if ((virtual.scrollOffset ?? 0) > 0) virtual.scrollToOffset(0);
  }, [top]);
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - Math.min(ahead, rows.length * aheadPart)) onEnd();
  }, [last, rows.length, onEnd]);
  useImperativeHandle(ref, () => ({ show: (index) => virtual.scrollToIndex(index, { align: "auto" }) }), [virtual]);

  const template = ids
    .map((id, i) => (i === ids.length - 1 ? `minmax(${columnOf(id).width}px, 1fr)` : `${columnOf(id).width}px`))
    .join(" ");
  const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 300) / height) - 2);
  const keys = (event: KeyboardEvent) => {
    const to: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: rows.length - 1,
    };
    const next = to[event.key];
    if (next !== undefined && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      onActive(Math.max(0, Math.min(rows.length - 1, next)));
    }
  };
  const click = (event: MouseEvent) => {
    // Who selects text doesn't want to open it.
    if (window.getSelection()?.isCollapsed === false) return;
    const row = (event.target as Element).closest("[data-index]");
    if (row instanceof HTMLElement) onOpen(Number(row.dataset["index"]));
  };

  return (
    <div
      ref={scroller}
      className={late ? "events stale" : "events"}
      role="grid"
      tabIndex={0}
      aria-label="Events"
      aria-rowcount={complete ? rows.length + 1 : -1}
      aria-colcount={narrow ? 1 : ids.length}
      aria-busy={stale}
      aria-activedescendant={active >= 0 && items.some(({ index }) => index === active) ? rowId(active) : undefined}
      onKeyDown={keys}
      onClick={click}
    >
      <div className="events-wide" style={{ gridTemplateColumns: template }}>
        <div role="rowgroup" className={narrow ? "hidden-text" : "events-head"}>
          <div role="row" aria-rowindex={1} className="row" style={{ gridTemplateColumns: template }}>
            {(narrow ? ["eventType"] : ids).map((id) => (
              <Heading key={id} id={id} order={order} onOrder={onOrder} />
            ))}
          </div>
        </div>
        <div role="rowgroup" className="events-rows" style={{ height: `${virtual.getTotalSize()}px` }}>
          {items.map((item) => {
            const found = rows[item.index];
            return (
              found && (
                <Row
                  key={item.index}
                  found={found}
                  index={item.index}
                  ids={ids}
                  zone={zone}
                  active={item.index === active}
                  open={found.event.eventId === openId}
                  narrow={narrow}
                  style={{
                    height: `${height}px`,
                    transform: `translateY(${item.start}px)`,
                    ...(!narrow && { gridTemplateColumns: template }),
                  }}
                />
              )
            );
          })}
        </div>
      </div>
    </div>
  );
}

function Heading({ id, order, onOrder }: { id: string; order: Order; onOrder: () => void }) {
  const { label } = columnOf(id);
  const sorted = id === "createdAt";
  return (
    <div
      role="columnheader"
      className="cell"
      title={id}
      aria-sort={sorted ? (order === "desc" ? "descending" : "ascending") : undefined}
    >
      {sorted ? (
        <button type="button" className="events-order" onClick={onOrder}>
          {label} <span aria-hidden="true">{order === "desc" ? "↓" : "↑"}</span>
        </button>
      ) : (
        label
      )}
    </div>
  );
}
