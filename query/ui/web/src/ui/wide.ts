import { useSyncExternalStore } from "react";

const known = new Map<number, MediaQueryList>();

/** widerThan returns the browser's own watch of a width: one for each, since it keeps every one for a while. */
function widerThan(pixels: number): MediaQueryList {
  let media = known.get(pixels);
  if (!media) {
    media = window.matchMedia(`(min-width: ${pixels}px)`);
    known.set(pixels, media);
  }
  return media;
}

/** useWide says whether the window is at least so many pixels wide. */
export function useWide(pixels: number): boolean {
  return useSyncExternalStore(
    (changed) => {
      const media = widerThan(pixels);
      media.addEventListener("change", changed);
      return () => media.removeEventListener("change", changed);
    },
    () => widerThan(pixels).matches,
  );
}
