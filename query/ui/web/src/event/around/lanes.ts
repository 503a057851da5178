import type { Event } from "../../api/types.ts";
import type { Chain } from "../store.ts";

// A chain drawn downwards: an event a row, a lane for each service, and between the rows
// room that grows with the time between them, but ever less, so that hours fit on a screen.

/** More services than this share the last lane; the rows name each. */
export const mostLanes = 8;

/** The line of a lane in a row. */
export interface Stroke {
  lane: number;
  above: boolean;
  below: boolean;
}

/** A row of the timeline. */
export interface Step {
  event: Event;
  lane: number;
  fromHereMs: number; // after the event that is shown; negative: before it
  sinceMs: number; // after the row above; 0 in the first
  room: number; // pixels above it
  told: boolean; // the pause above it is so long that it is said
  strokes: readonly Stroke[];
}

/** How many lanes a chain has. */
export function lanesOf(chain: Chain): number {
  return Math.min(chain.services.length, mostLanes);
}

/** stepsOf returns the rows of a chain around one of its events. */
export function stepsOf(chain: Chain, id: string): Step[] {
  const lanes = new Map(chain.services.map(({ source }, i) => [source, Math.min(i, mostLanes - 1)]));
  const n = lanesOf(chain);
  const rows = chain.timeline.map(({ event, offsetMs }) => ({
    event,
    offsetMs,
    lane: lanes.get(event.source ?? "") ?? 0,
  }));
  const here = rows.find(({ event }) => event.eventId === id)?.offsetMs ?? 0;
  const last = Array.from({ length: n }, (_, lane) => rows.findLastIndex((row) => row.lane === lane));
  const pauses = rows.map(({ offsetMs }, i) => offsetMs - (rows[i - 1]?.offsetMs ?? offsetMs));
  const long = longPause(pauses.slice(1));
  return rows.map(({ event, offsetMs, lane }, i) => {
    const sinceMs = pauses[i] as number;
    return {
      event,
      lane,
      fromHereMs: offsetMs - here,
      sinceMs,
      room: room(sinceMs),
      told: i > 0 && sinceMs >= long,
      strokes: last.map((end, lane) => ({ lane, above: i <= end, below: i < end })).filter(({ above }) => above),
    };
  });
}

/** headsOf returns the lane of each service, and the lines beside its name: a lane begins at its service's name, and goes down into the rows. */
export function headsOf(chain: Chain): { lane: number; strokes: Stroke[] }[] {
  return chain.services.map((_, i) => {
    const lane = Math.min(i, mostLanes - 1);
    const strokes = Array.from({ length: lane + 1 }, (_, l) => ({ lane: l, above: l < i, below: true }));
    return { lane, strokes };
  });
}

/** room is how many pixels a pause takes: a second 13, an hour 29, never more than 40. */
export function room(ms: number): number {
  return Math.round(Math.min(40, 4.4 * Math.log10(1 + Math.max(ms, 0))));
}

/** longPause returns from which length on a pause stands out: a second at least, and five times what is usual in the chain. */
function longPause(pauses: readonly number[]): number {
  const sorted = pauses.filter((ms) => ms > 0).toSorted((a, b) => a - b);
  return Math.max(1000, 5 * (sorted[Math.floor((sorted.length - 1) / 2)] ?? 0));
}
