import type { Event } from "../api/types.ts";
export function ActorTab(_: { event: Event }) {
  return null;
}
