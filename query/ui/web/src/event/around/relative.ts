import { length } from "../../state/time.ts";

/** relative says when something was, as seen from an event: 1.2 s before, 350 ms later. */
export function relative(ms: number): string {
  if (ms === 0) return "at the same time";
  return ms < 0 ? `${length(-ms)} before` : `${length(ms)} later`;
}
