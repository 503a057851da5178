import { type RefObject, useEffect, useLayoutEffect, useRef, useState, type WheelEvent } from "react";
import type { LiveStore, Screen } from "./store.ts";

/** Rows beyond the edges of the screen, so that scrolling meets no blank. */
const overscan = 8;

/** How long a browser may go on with a scrolling that somebody began before they resumed, in milliseconds. */
const glide = 1_000;

/** Browsers lay out nothing higher than some 30 million pixels: before that, places are counted anew. */
const highest = 10_000_000;

export interface Scroll {
  scroller: RefObject<HTMLDivElement | null>;
  width: number; // of the list, in pixels
  /** The rows to make: from begin to before end. */
  begin: number;
  end: number;
  /**
   * The place of a row in the document. What scrolls on keeps its own, and what leaves makes room for what comes. Where
   * all leave at once, as when more comes than a screen has room for, the new ones lie in order: none has to be moved.
   */
  slot(number: number): number;
  /** Where a row is, in pixels, and how high all of them are. */
  y(number: number): number;
  height: number;
  /** hold pauses; resume goes back to the newest. */
  hold(): void;
  resume(): void;
  /** show brings a row onto the screen. */
  show(number: number): void;
  handlers: {
    onScroll: () => void;
    onWheel: (event: WheelEvent) => void;
    onKeyDown: () => void;
    onPointerDown: () => void;
    onTouchMove: () => void;
  };
}

/**
 * useScroll is how the list scrolls. Live, its end is pinned to the lower edge; scrolling up pauses, and a paused list
 * stands still, whatever comes below. All rows have one height, so that what is on the screen is known without
 * measuring, whatever their number. The first line is the one about older events.
 */
export function useScroll(store: LiveStore, screen: Screen, row: number): Scroll {
  const scroller = useRef<HTMLDivElement>(null);
  const [box, setBox] = useState({ height: 0, width: 1000 });
  const [, again] = useState(0);
  const base = useRef(0); // the row below the first line of all
  const moved = useRef(0); // by how many rows the base was moved under a paused list
  const standing = useRef(0); // where the list stands, in pixels
  const made = useRef({ begin: 0, end: 0, zero: 0 }); // the rows of before, and the one whose slot is 0
  const resumed = useRef(Number.NEGATIVE_INFINITY); // when
  const touched = useRef(0); // when somebody last did something that scrolls
  const { first, next, paused } = screen;

  if (!paused) base.current = first;
  else if ((next - base.current) * row > highest) {
    moved.current += first - base.current;
    base.current = first;
  }
  const total = next - base.current;
  const onScreen = Math.ceil(box.height / row);
  // Below the head, which covers a row.
  const from = paused ? base.current + Math.floor(standing.current / row) - 1 : next - onScreen;

  const begin = Math.max(first, from - overscan);
  const end = Math.min(next, from + onScreen + 2 + overscan);
  const pool = onScreen + 2 * overscan + 4;
  const none = begin >= made.current.end || end <= made.current.begin;
  const zero = none ? begin : made.current.zero;
  made.current = { begin, end, zero };

  const stand = (at: number) => {
    standing.current = at;
    again(at);
    store.reading(base.current + Math.floor(at / row) - 1);
  };

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setBox({ height: element.clientHeight, width: element.clientWidth }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // The one write of layout for each time that something new is painted.
  // biome-ignore lint/correctness/useExhaustiveDependencies: What is pinned is the end of these rows in this room.
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || paused) return;
    element.scrollTop = element.scrollHeight;
    standing.current = element.scrollTop;
  }, [paused, total, row, box]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || moved.current === 0) return;
    element.scrollTop -= moved.current * row;
    moved.current = 0;
    stand(element.scrollTop);
  });

  const hold = () => {
    const element = scroller.current;
    if (!element || paused) return;
    store.pause();
    stand(element.scrollTop);
  };
  const resume = () => {
    resumed.current = performance.now();
    store.resume();
  };
  const touch = () => {
    touched.current = performance.now();
  };
  const scrolled = () => {
    const element = scroller.current;
    if (!element) return;
    const at = element.scrollTop;
    const lowest = element.scrollHeight - element.clientHeight;
    if (!paused) {
      if (lowest - at < row) return;
      if (touched.current < resumed.current && performance.now() - resumed.current < glide) {
        element.scrollTop = element.scrollHeight;
        return;
      }
      store.pause();
    } else if (at > standing.current && lowest - at <= 2) {
      resume();
      return;
    }
    stand(at);
  };
  const show = (number: number) => {
    const element = scroller.current;
    if (!element) return;
    const place = (number - base.current + 1) * row;
    const room = element.clientHeight - 2 * row;
    if (place < element.scrollTop) element.scrollTop = place;
    else if (place > element.scrollTop + room) element.scrollTop = place - room;
    // That it was not a person who scrolled down to the end is seen by this.
    stand(element.scrollTop);
  };

  return {
    scroller,
    width: box.width,
    begin,
    end,
    slot: (number) => (((number - zero) % pool) + pool) % pool,
    y: (number) => (number - base.current + 1) * row,
    height: (total + 1) * row,
    hold,
    resume,
    show,
    handlers: {
      onScroll: scrolled,
      onWheel: (event) => {
        touch();
        // Before the browser scrolls: where that is animated, it would be cut short by what comes.
        if (event.deltaY < 0 && scroller.current && scroller.current.scrollTop > 0) hold();
      },
      onKeyDown: touch,
      onPointerDown: touch,
      onTouchMove: () => {
        touch();
        hold();
      },
    },
  };
}
