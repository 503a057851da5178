import { type KeyboardEvent, type PointerEvent, type RefObject, useEffect, useRef, useState } from "react";

// How the panel stands in the page: how wide, how high, and where the focus is.

const widthName = "daybook.event-width";

/** The narrowest and the widest that the panel can be made, in pixels. */
export const narrowest = 360;
export const widest = 1400;

function clamp(width: number): number {
  return Math.round(Math.min(Math.max(width, narrowest), Math.min(widest, window.innerWidth - 240)));
}

function remembered(): number {
  try {
    return Number(localStorage.getItem(widthName)) || 520;
  } catch {
    return 520; // The browser keeps nothing.
  }
}

/** fromRight is how far the pointer is from the panel's other edge. */
function fromRight(event: PointerEvent<HTMLElement>): number {
  return (event.currentTarget.parentElement?.getBoundingClientRect().right ?? 0) - event.clientX;
}

/** useWidth returns the panel's width, which this browser remembers, and what makes an element its handle. */
export function useWidth() {
  const [width, setWidth] = useState(remembered);
  const grabbed = useRef(0); // how far from the panel's edge the pointer took hold
  const set = (wanted: number) => {
    const next = clamp(wanted);
    setWidth(next);
    try {
      localStorage.setItem(widthName, String(next));
    } catch {
      // As above.
    }
  };
  return {
    width,
    handle: {
      onPointerDown: (event: PointerEvent<HTMLElement>) => {
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
        grabbed.current = width - fromRight(event);
      },
      onPointerMove: (event: PointerEvent<HTMLElement>) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) set(fromRight(event) + grabbed.current);
      },
      onKeyDown: (event: KeyboardEvent) => {
        const by = { ArrowLeft: 24, ArrowRight: -24 }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        set(width + by);
      },
    },
  };
}

/** useHeight makes an element as high as the part of its view that can be seen, whatever the list beside it is. */
export function useHeight(element: RefObject<HTMLElement | null>) {
  useEffect(() => {
    const panel = element.current;
    const view = panel?.closest("main");
    if (!panel || !view) return;
    const observer = new ResizeObserver(() => panel.style.setProperty("--view-height", `${view.clientHeight}px`));
    observer.observe(view);
    return () => observer.disconnect();
  }, [element]);
}

const covering = "(max-width: 800px)";

/**
 * useFocus takes the focus to the panel's head when it opens and when it shows another event that somebody chose in it,
 * and back to where it was when the panel closes. Where the panel covers the page, nothing below it can be reached.
 */
export function useFocus(panel: RefObject<HTMLElement | null>, id: string) {
  useEffect(() => {
    const opener = document.activeElement;
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: Each event's opening moves the focus.
  useEffect(() => {
    const at = document.activeElement;
    // Somebody who goes through the list by its keys stays there.
    if (at === document.body || panel.current?.contains(at) || panel.current?.dataset["opened"] === undefined)
      panel.current?.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
    if (panel.current) panel.current.dataset["opened"] = "";
  }, [panel, id]);

  useEffect(() => {
    const media = window.matchMedia(covering);
    let hidden: HTMLElement[] = [];
    const update = () => {
      for (const element of hidden) element.inert = false;
      hidden = media.matches && panel.current ? around(panel.current) : [];
      for (const element of hidden) element.inert = true;
    };
    update();
    media.addEventListener("change", update);
    return () => {
      media.removeEventListener("change", update);
      for (const element of hidden) element.inert = false;
    };
  }, [panel]);
}

/** around returns what stands beside the panel in its view, and the head of the page. */
function around(panel: HTMLElement): HTMLElement[] {
  const found: HTMLElement[] = [];
  const view = panel.closest("main");
  for (let at = panel; at !== view && at.parentElement; at = at.parentElement)
    for (const other of at.parentElement.children) if (other !== at && other instanceof HTMLElement) found.push(other);
  const head = view?.parentElement?.querySelector<HTMLElement>(":scope > header");
  return head ? [...found, head] : found;
}
