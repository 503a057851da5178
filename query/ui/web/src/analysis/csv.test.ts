import { describe, expect, it } from "vitest";
import type { Aggregate } from "../api/types.ts";
import { csvOf, fileName, inert, zoned } from "./csv.ts";
import { shapeOf } from "./shape.ts";
import { analysisOf } from "./state.ts";

describe("inert", () => {
  it.each([
    ["=1+1", "'=1+1"],
    ["+1", "'+1"],
    ["-1", "'-1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\tx", "'\tx"],
    ["\rx", "'\rx"],
    ["'x", "''x"],
    ["＝1", "'＝1"],
    ["a=1", "a=1"],
    ["", ""],
  ])("%j becomes %j", (text, want) => expect(inert(text)).toBe(want));
});

describe("zoned", () => {
  it.each([
    ["2026-03-29T00:30:00Z", "Europe/Prague", "2026-03-29T01:30:00+01:00"],
    ["2026-03-29T01:00:00Z", "Europe/Prague", "2026-03-29T03:00:00+02:00"],
    ["2026-11-25T12:00:00Z", "America/St_Johns", "2026-11-25T08:30:00-03:30"],
    ["2026-11-25T12:00:00Z", "UTC", "2026-11-25T12:00:00+00:00"],
  ])("%s in %s", (at, zone, want) => expect(zoned(Date.parse(at), zone)).toBe(want));
});

describe("csvOf", () => {
  const answer: Aggregate = {
    series: [
      {
        group: { source: '=HYPERLINK("x")' },
        points: [{ start: "2026-11-25T10:00:00Z", values: [1, -2.5] }],
        totals: [1, -2.5],
        previous: [],
        previousTotals: [4, null],
      },
      { group: { source: "a,b\n" }, points: [], totals: [0, 0], previous: [], previousTotals: [0, 0] },
      { group: {}, other: true, points: [], totals: [7, 0], previous: [], previousTotals: [0, 0] },
    ],
    totals: [8, -2.5],
    meta: {
      elapsedMs: 1,
      rowsRead: 1,
      source: "raw",
      partial: false,
      exact: true,
      bucket: "1h",
      from: "2026-11-25T10:00:00Z",
      to: "2026-11-25T12:00:00Z",
    },
  };

  it("has a row for each bucket of each group", () => {
    const shape = shapeOf(
      answer,
      analysisOf(new URLSearchParams("m=count&m=sum:payload.n&by=source")),
      "Europe/Prague",
    );
    expect(csvOf(shape).split("\r\n")).toEqual([
      "start,source,other,count,sum of payload.n",
      `2026-11-25T11:00:00+01:00,"'=HYPERLINK(""x"")",,1,-2.5`,
      `2026-11-25T12:00:00+01:00,"'=HYPERLINK(""x"")",,0,0`,
      '2026-11-25T11:00:00+01:00,"a,b\n",,0,0',
      '2026-11-25T12:00:00+01:00,"a,b\n",,0,0',
      "2026-11-25T11:00:00+01:00,,true,0,0",
      "2026-11-25T12:00:00+01:00,,true,0,0",
      "",
    ]);
  });

  it("has a row for each group, with the period before", () => {
    const shape = shapeOf(
      {
        ...answer,
        series: answer.series.slice(0, 1),
        meta: { ...answer.meta, bucket: null, previousFrom: "2026-11-25T08:00:00Z" },
      },
      analysisOf(new URLSearchParams("m=count&m=sum:payload.n&by=source&bucket=none&vs=previous")),
      "UTC",
    );
    expect(csvOf(shape)).toBe(
      `source,count,sum of payload.n,"count, period before","sum of payload.n, period before"\r\n"'=HYPERLINK(""x"")",1,-2.5,4,\r\n`,
    );
  });

  it("names the file", () => {
    const shape = shapeOf(answer, analysisOf(new URLSearchParams("")), "UTC");
    expect(fileName("count by severity, payload.x", shape, "csv")).toBe(
      "count-by-severity-payload-x-2026-11-25-to-2026-11-25.csv",
    );
  });
});
