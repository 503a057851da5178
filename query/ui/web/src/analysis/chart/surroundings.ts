import { type RefObject, useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";

/** useMedia reports whether a condition on the screen holds, and goes with it. */
export function useMedia(condition: string): boolean {
  const media = useMemo(() => window.matchMedia(condition), [condition]);
  return useSyncExternalStore(
    useCallback(
      (changed) => {
        media.addEventListener("change", changed);
        return () => media.removeEventListener("change", changed);
      },
      [media],
    ),
    () => media.matches,
  );
}

/** useTheme returns the system's theme, for what is painted rather than styled. */
export function useTheme(): "dark" | "light" {
  return useMedia("(prefers-color-scheme: dark)") ? "dark" : "light";
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
