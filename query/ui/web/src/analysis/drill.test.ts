import { describe, expect, it } from "vitest";
import type { Aggregate } from "../api/types.ts";
import { wayTo } from "./drill.ts";
import { shapeOf } from "./shape.ts";
import { analysisOf } from "./state.ts";

type Group = Record<string, string | null>;

function shape(address: string, groups: Group[], other = false) {
  const answer: Aggregate = {
    series: [
      ...groups.map((group) => ({ group, points: [], totals: [1] })),
      ...(other ? [{ group: {}, other, points: [], totals: [1] }] : []),
    ],
    totals: [1],
    meta: {
      elapsedMs: 1,
      rowsRead: 1,
      source: "raw",
      partial: false,
      exact: true,
      bucket: null,
      from: "2026-11-25T10:00:00Z",
      to: "2026-11-25T11:00:00Z",
    },
  };
  return shapeOf(answer, analysisOf(new URLSearchParams(address)), "UTC");
}

/** way returns the address of the search for the last line. */
function way(address: string, groups: Group[], other = false, period: { from: number; to: number } | null = null) {
  const made = shape(address, groups, other);
  return wayTo(new URLSearchParams(address), made, made.lines.at(-1) ?? null, period);
}

function q(address: string, groups: Group[], other = false) {
  const found = way(address, groups, other);
  if ("why" in found) throw new Error(found.why);
  return [new URL(found.to, "http://x").searchParams.get("q"), found.note ?? ""];
}

describe("wayTo", () => {
  it("keeps the filter and adds the group's values", () => {
    const found = way("q=card+declined&from=now-7d&tz=UTC&preset=p&m=count&by=eventType&by=source&draw=bars", [
      { eventType: "payment.failed", source: "billing api" },
    ]);
    const address = new URL((found as { to: string }).to, "http://x");
    expect(address.pathname).toBe("/");
    expect(Object.fromEntries(address.searchParams)).toEqual({
      q: 'card declined eventType:payment.failed source:"billing api"',
      from: "now-7d",
      tz: "UTC",
      preset: "p",
    });
  });

  it("narrows the time to the bucket", () => {
    const found = way("from=now-7d", [{ severity: "WARN" }], false, {
      from: Date.UTC(2026, 0, 1),
      to: Date.UTC(2026, 0, 2),
    });
    const params = new URL((found as { to: string }).to, "http://x").searchParams;
    expect(Object.fromEntries(params)).toEqual({
      q: "severity:WARN",
      from: "2026-01-01T00:00:00.000Z",
      to: "2026-01-02T00:00:00.000Z",
    });
  });

  it("puts alternatives into parentheses", () => {
    expect(q("q=a+OR+b&by=source", [{ source: "x" }])[0]).toBe("(a OR b) source:x");
  });

  it("needs nothing for what isn't grouped", () => {
    expect(q("q=a&m=count", [{}])[0]).toBe("a");
  });

  it.each<[string, string | null, string]>([
    ["source", "", "-source:*"],
    ["payload.a", null, "-payload.a:*"],
    ["payload.a", "", 'payload.a:""'],
    ["payload.a", "*", 'payload.a:"*"'],
    ["payload.a", "[not a list", 'payload.a:"[not a list"'],
  ])("%s of %j is %s", (field, value, want) => {
    expect(q(`by=${field}`, [{ [field]: value }])).toEqual([want, ""]);
  });

  it("says where a filter can't name the value", () => {
    expect(q("by=payload.a", [{ "payload.a": '["x","y z"]' }])).toEqual([
      'payload.a:x payload.a:"y z"',
      expect.stringContaining("element by element"),
    ]);
    expect(q("by=payload.a", [{ "payload.a": '{"b":1}' }])).toEqual([
      "payload.a:*",
      expect.stringContaining("whole object"),
    ]);
    expect(q("by=payload.a", [{ "payload.a": "[]" }])).toEqual([
      "payload.a:*",
      expect.stringContaining("whole object"),
    ]);
    expect(q("by=payload.a", [{ "payload.a": "é".repeat(513) }])).toEqual([
      "payload.a:*",
      expect.stringContaining("longer"),
    ]);
  });
});

describe("wayTo other", () => {
  it("leaves out every group that is named", () => {
    expect(q("by=source", [{ source: "a" }, { source: "b c" }], true)[0]).toBe('-source:(a OR "b c")');
    expect(q("by=source", [{ source: "a" }], true)[0]).toBe("-source:a");
    expect(q("by=source", [{ source: "a" }, { source: "" }], true)[0]).toBe("-source:a source:*");
    expect(q("by=source", [{ source: "" }], true)[0]).toBe("source:*");
  });
  it("leaves out combinations", () => {
    expect(
      q(
        "by=source&by=payload.a",
        [
          { source: "a", "payload.a": null },
          { source: "b", "payload.a": "x" },
        ],
        true,
      )[0],
    ).toBe("-(source:a -payload.a:*) -(source:b payload.a:x)");
  });
  it("says why there is no way", () => {
    const many = (n: number, field: string, length = 1) =>
      Array.from({ length: n }, (_, i) => ({ [field]: `${i}`.padEnd(length, "x") }));
    expect(way("by=payload.a", [{ "payload.a": "[1]" }], true)).toHaveProperty("why");
    expect(way("by=payload.a", many(65, "payload.a"), true)).toHaveProperty("why");
    expect(way("by=payload.a", many(60, "payload.a"), true)).toHaveProperty("to");
    expect(way("by=source", many(100, "source", 100), true)).toHaveProperty("why");
  });
});
