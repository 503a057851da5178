import { expect, it } from "vitest";
import type { Histogram } from "../api/types.ts";
import { barsOf, lengthOf, pathsOf, spanOf, ticksOf, topOf, totalsOf } from "./bars.ts";

const histogram: Histogram = {
  interval: "1h",
  total: 21,
  meta: { elapsedMs: 1, rowsRead: 1, source: "rollup", partial: false },
  buckets: [
    { start: "2026-04-17T10:00:00Z", counts: { INFO: 8, WARN: 2, ERROR: 0, CRITICAL: 0 } },
    { start: "2026-04-17T11:00:00Z", counts: {} },
    { start: "2026-04-17T12:00:00Z", counts: { INFO: 1, CRITICAL: 10 } },
  ],
};
const bars = barsOf(histogram);

it("knows where buckets begin and end, and what is in them", () => {
  expect(bars.map(({ start, end }) => (end - start) / 3_600_000)).toEqual([1, 1, 1]);
  expect(bars.map(({ total }) => total)).toEqual([10, 0, 11]);
  expect(totalsOf(bars)).toEqual({ INFO: 9, WARN: 2, ERROR: 0, CRITICAL: 10 });
  expect(["30s", "15m", "1d", "1mo", "auto"].map(lengthOf)).toEqual([30_000, 900_000, 86_400_000, 2_592_000_000, 0]);
});

it("puts severities on top of each other, the worst at the bottom", () => {
  const paths = pathsOf(bars, 150);
  expect(topOf(bars)).toBe(15);
  expect(paths.WARN).toBe("M0.06 150V130H0.94V150Z");
  expect(paths.INFO).toBe("M0.06 130V50H0.94V130ZM2.06 50V40H2.94V50Z");
  expect(paths.CRITICAL).toBe("M2.06 150V50H2.94V150Z");
  expect(paths.ERROR).toBe("");
});

it("rounds the top of the scale up", () => {
  const top = (total: number) => topOf([{ ...(bars[0] as (typeof bars)[0]), total }]);
  expect([0, 1, 2, 7, 11, 95, 101, 4500].map(top)).toEqual([1, 1, 2, 8, 15, 100, 150, 5000]);
});

it("writes times in the zone, with the day where there are several", () => {
  expect(ticksOf(bars, "UTC", 2)).toEqual([
    { at: 0, text: "10:00" },
    { at: 2 / 3, text: "12:00" },
  ]);
  expect(ticksOf(bars, "Asia/Tokyo", 5).map(({ text }) => text)).toEqual(["19:00", "20:00", "21:00"]);
  expect(ticksOf(bars, "Pacific/Auckland", 5).map(({ text }) => text)).toEqual(
    ["22:00", "23:00", "00:00"].map((t, i) => `04-${i < 2 ? 17 : 18} ${t}`),
  );
  const [first, , last] = bars as [(typeof bars)[0], (typeof bars)[0], (typeof bars)[0]];
  expect(spanOf(first, last, "UTC")).toBe("2026-04-17 10:00:00 – 13:00:00");
  expect(spanOf(first, last, "Asia/Tokyo")).toBe("2026-04-17 19:00:00 – 22:00:00");
});
