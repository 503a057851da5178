import { expect, test } from "vitest";
import type { Event } from "../../api/types.ts";
import type { Chain } from "../store.ts";
import { headsOf, lanesOf, mostLanes, room, type Stroke, stepsOf } from "./lanes.ts";

/** chainOf makes a chain of SOURCE@MS. */
function chainOf(...marks: string[]): Chain {
  const timeline = marks.map((mark, i) => {
    const [source, ms] = mark.split("@");
    const event = { eventId: `e${i}`, source } as Event;
    if (!source) delete event.source;
    return { offsetMs: Number(ms), event };
  });
  const services = [...new Set(timeline.map(({ event }) => event.source ?? ""))].map((source) => ({
    source,
    events: 0,
    firstMs: 0,
    lastMs: 0,
  }));
  return { correlationId: "c", timeline, services, durationMs: 0, moreBefore: false, moreAfter: false };
}

test("each service has a lane, from its name to its last event", () => {
  const chain = chainOf("api@0", "billing@10", "api@20", "@30", "billing@40");
  const steps = stepsOf(chain, "e1");
  expect(steps.map(({ lane }) => lane)).toEqual([0, 1, 0, 2, 1]);
  expect(steps.map(({ fromHereMs }) => fromHereMs)).toEqual([-10, 0, 10, 20, 30]);
  const drawn = (strokes: readonly Stroke[]) =>
    strokes.map(({ lane, above, below }) => `${lane}${above ? " from above" : ""}${below ? " down" : ""}`);
  expect(headsOf(chain).map(({ strokes }) => drawn(strokes))).toEqual([
    ["0 down"],
    ["0 from above down", "1 down"],
    ["0 from above down", "1 from above down", "2 down"],
  ]);
  expect(steps.map(({ strokes }) => drawn(strokes))).toEqual([
    ["0 from above down", "1 from above down", "2 from above down"],
    ["0 from above down", "1 from above down", "2 from above down"],
    ["0 from above", "1 from above down", "2 from above down"],
    ["1 from above down", "2 from above"],
    ["1 from above"],
  ]);
});

test("a pause takes more room the longer it is, but never much", () => {
  expect([0, 1, 1000, 3_600_000, 1e12].map(room)).toEqual([0, 1, 13, 29, 40]);
});

test("pauses that stand out are told", () => {
  const steps = stepsOf(chainOf("a@0", "a@100", "a@200", "a@5200", "a@5300", "a@6200"), "e0");
  expect(steps.map(({ told }) => told)).toEqual([false, false, false, true, false, false]);
  const even = stepsOf(chainOf("a@0", "a@3000", "a@6000", "a@9000"), "e0");
  expect(even.some(({ told }) => told)).toBe(false);
  expect(stepsOf(chainOf("a@0", "a@3000"), "e0").map(({ told }) => told)).toEqual([false, false]);
});

test("many services share the last lane", () => {
  const chain = chainOf(...Array.from({ length: 12 }, (_, i) => `s${i}@${i}`));
  expect(lanesOf(chain)).toBe(mostLanes);
  expect(headsOf(chain).at(-1)).toMatchObject({ lane: mostLanes - 1, strokes: { length: mostLanes } });
  expect(stepsOf(chain, "e0").at(-1)).toMatchObject({
    lane: mostLanes - 1,
    strokes: [{ lane: mostLanes - 1, above: true, below: false }],
  });
});
