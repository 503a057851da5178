import { describe, expect, it } from "vitest";
import type { Aggregate, Series } from "../../api/types.ts";
import { entriesOf } from "../chart/look.ts";
import { shapeOf } from "../shape.ts";
import { analysisOf } from "../state.ts";
import { columnsOf, nextSort, numberIn, sorted } from "./columns.ts";

function shape(address: string, series: Partial<Series>[], compared = false) {
  const answer: Aggregate = {
    series: series.map((one) => ({ group: {}, points: [], totals: [], ...one })),
    totals: [20, 5],
    meta: {
      elapsedMs: 1,
      rowsRead: 1,
      source: "raw",
      partial: false,
      exact: true,
      bucket: null,
      from: "2026-11-25T10:00:00Z",
      to: "2026-11-25T11:00:00Z",
      ...(compared && { previousFrom: "2026-11-25T09:00:00Z" }),
    },
  };
  return shapeOf(answer, analysisOf(new URLSearchParams(address)), "UTC");
}

const groups = shape(
  "m=count&m=avg:payload.n&by=source",
  [
    { group: { source: "b10" }, totals: [10, null], previousTotals: [5, 1] },
    { group: { source: "b9" }, totals: [4, 2], previousTotals: [8, 1] },
    { other: true, totals: [5, 9], previousTotals: [1, 1] },
    { group: { source: "a" }, totals: [1, 7], previousTotals: [0, 1] },
  ],
  true,
);

describe("columnsOf", () => {
  it("has a share only of what adds up", () => {
    expect(columnsOf(groups).map((column) => column.id)).toEqual(["m0", "s0", "b0", "c0", "m1", "b1", "c1"]);
  });
  it("has one column of values where the rows are measures", () => {
    const one = shape("m=count&m=avg:payload.n", [{ totals: [20, 5] }]);
    expect(columnsOf(one)).toEqual([{ id: "m0", kind: "total", name: "value", measure: null }]);
    const [column] = columnsOf(one);
    expect(entriesOf(one).map((entry) => column && numberIn(one, entry, column))).toEqual([20, 5]);
  });
});

describe("sorted", () => {
  const order = (sort: string) => sorted(groups, entriesOf(groups), sort).map((entry) => entry.label);
  it.each([
    ["", ["b10", "b9", "other", "a"]],
    ["m0", ["a", "b9", "b10", "other"]],
    ["-m0", ["b10", "b9", "a", "other"]],
    ["m1", ["b9", "a", "b10", "other"]], // What has no average comes last.
    ["-m1", ["a", "b9", "b10", "other"]],
    ["d0", ["a", "b9", "b10", "other"]],
    ["-d0", ["b10", "b9", "a", "other"]],
    ["-c0", ["b10", "b9", "a", "other"]], // After nothing there is no change to tell.
    ["nonsense", ["b10", "b9", "other", "a"]],
  ])("by %j", (sort, want) => expect(order(sort)).toEqual(want));
});

describe("nextSort", () => {
  it("goes through both orders and back", () => {
    expect([nextSort("", "m0"), nextSort("-m0", "m0"), nextSort("m0", "m0")]).toEqual(["-m0", "m0", null]);
    expect([nextSort("", "d0"), nextSort("d0", "d0"), nextSort("-d0", "d0")]).toEqual(["d0", "-d0", null]);
    expect(nextSort("-m0", "m1")).toBe("-m1");
  });
});
