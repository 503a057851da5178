import { describe, expect, it } from "vitest";
import type { Aggregate } from "../api/types.ts";
import { change, changeText, isPartial, panelsOf, shapeOf, valueLabel } from "./shape.ts";
import { type Analysis, analysisOf } from "./state.ts";

const analysis = (text: string): Analysis => analysisOf(new URLSearchParams(text));

const meta: Aggregate["meta"] = {
  elapsedMs: 1,
  rowsRead: 10,
  source: "raw",
  partial: false,
  exact: true,
  bucket: "1h",
  from: "2026-11-25T10:20:00Z",
  to: "2026-11-25T12:10:00Z",
};

describe("shapeOf", () => {
  const answer: Aggregate = {
    series: [
      {
        group: { source: "billing" },
        points: [{ start: "2026-11-25T11:00:00Z", values: [5, 2.5] }],
        totals: [5, 2.5],
        previous: [{ start: "2026-11-25T08:00:00Z", values: [3, null] }],
        previousTotals: [3, null],
      },
      { group: { source: "" }, points: [{ start: "2026-11-25T12:00:00Z", values: [1, 9] }], totals: [1, 9] },
      { group: {}, other: true, points: [], totals: [0, null] },
    ],
    totals: [6, 4],
    previousTotals: [3, null],
    meta: { ...meta, previousFrom: "2026-11-25T08:30:00Z" },
  };
  const asked = "m=count&m=avg:payload.n&by=source&vs=previous";

  it("has a value in every bucket: zero of what is counted, none of an average", () => {
    const shape = shapeOf(answer, analysis(asked), "UTC");
    expect(shape.buckets.map((bucket) => new Date(bucket.start).toISOString().slice(11, 16))).toEqual([
      "10:00",
      "11:00",
      "12:00",
    ]);
    expect(shape.lines.map((line) => line.label)).toEqual(["billing", "(none)", "other"]);
    expect(shape.lines[0]?.points).toEqual([
      [0, 5, 0],
      [null, 2.5, null],
    ]);
  });

  it("leaves gaps where they are asked for", () => {
    expect(shapeOf(answer, analysis(`${asked}&fill=gap`), "UTC").lines[0]?.points[0]).toEqual([null, 5, null]);
  });

  it("puts the period before over this one, bucket by bucket", () => {
    const { lines, before } = shapeOf(answer, analysis(asked), "UTC");
    // 08:30 to 10:20 is in the buckets of 8, 9 and 10 o'clock.
    expect(lines[0]?.before).toEqual([
      [3, 0, 0],
      [null, null, null],
    ]);
    expect(before).toEqual({ from: Date.parse("2026-11-25T08:30:00Z"), to: Date.parse("2026-11-25T10:20:00Z") });
  });

  it("tells which buckets are counted in part", () => {
    const { buckets } = shapeOf(answer, analysis(asked), "UTC");
    expect(buckets.map(isPartial)).toEqual([true, false, true]);
    expect(buckets[2]?.counted).toEqual({
      from: Date.parse("2026-11-25T12:00:00Z"),
      to: Date.parse("2026-11-25T12:10:00Z"),
    });
  });

  it("has no buckets where there are none", () => {
    const shape = shapeOf(
      { ...answer, meta: { ...meta, bucket: null } },
      analysis("m=count&m=avg:payload.n&by=source&bucket=none"),
      "UTC",
    );
    expect(shape.buckets).toEqual([]);
    expect(shape.lines[0]?.points).toEqual([]);
    expect(shape.lines[0]?.totals).toEqual([5, 2.5]);
  });

  it("shows buckets that begin where it did not expect them", () => {
    const odd = {
      ...answer,
      series: [{ group: {}, points: [{ start: "2026-11-25T11:30:00Z", values: [7] }], totals: [7] }],
    };
    const shape = shapeOf(odd, analysis("m=count"), "UTC");
    expect(shape.lines[0]?.points[0]).toEqual([0, 0, 7, 0]);
  });

  it("orders severities by weight", () => {
    const one = (severity: string, n: number) => ({ group: { severity }, points: [], totals: [n] });
    const series = [
      one("CRITICAL", 9),
      one("INFO", 5),
      { group: {}, other: true, points: [], totals: [1] },
      one("WARN", 1),
    ];
    expect(shapeOf({ ...answer, series }, analysis(""), "UTC").lines.map((line) => line.label)).toEqual([
      "INFO",
      "WARN",
      "CRITICAL",
      "other",
    ]);
  });
});

describe("valueLabel", () => {
  it.each<[string, string | null, string]>([
    ["source", "", "(none)"],
    ["payload.a", null, "(none)"],
    ["payload.a", "", '""'],
    ["payload.a", "x", "x"],
  ])("%s %j", (field, value, want) => expect(valueLabel(field, value)).toBe(want));
});

describe("change", () => {
  it.each<[number | null, number | null, string]>([
    [110, 100, "+10 %"],
    [100.4, 100, "+0.4 %"],
    [50, 100, "−50 %"],
    [12_000, 1, "+1,199,900 %"],
    [5, 0, "new"],
    [0, 0, "0.0 %"],
    [null, 3, "–"],
    [3, null, "–"],
    [5, -10, "+150 %"],
  ])("%j after %j", (value, before, want) => expect(changeText(value, before)).toBe(want));
  it("is a share", () => expect(change(3, 2)).toBe(0.5));
});

describe("panelsOf", () => {
  it("has one for each measure of groups", () => {
    expect(
      panelsOf(analysis("m=count&m=p95:payload.ms&m=p50:payload.ms&by=source")).map((panel) => panel.measures),
    ).toEqual([[0], [1], [2]]);
  });
  it("puts quantiles of a field together where nothing is grouped", () => {
    expect(panelsOf(analysis("m=count&m=p95:payload.ms&m=uniq:actorId&m=p50:payload.ms"))).toEqual([
      { title: "count", measures: [0] },
      { title: "p95, p50 of payload.ms", measures: [1, 3] },
      { title: "distinct actorId", measures: [2] },
    ]);
  });
});
