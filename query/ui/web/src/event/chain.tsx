import type { Event } from "../api/types.ts";
export function ChainTab(_: { event: Event }) {
  return null;
}
