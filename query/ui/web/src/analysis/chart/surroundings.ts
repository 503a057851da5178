import { type RefObject, useEffect, useState, useSyncExternalStore } from "react";

const dark = window.matchMedia("(prefers-color-scheme: dark)");

/** useTheme returns the system's theme, for what is painted rather than styled. */
export function useTheme(): "dark" | "light" {
  return useSyncExternalStore(
    (changed) => {
      dark.addEventListener("change", changed);
      return () => dark.removeEventListener("change", changed);
    },
    () => (dark.matches ? "dark" : "light"),
  );
}

/** useWidth returns an element's width in whole pixels, 0 until it is known. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
