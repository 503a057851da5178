import { describe, expect, it } from "vitest";
import { described, readTime, widened, zones } from "./ranges.ts";

const zone = "Europe/Prague";

it.each([
  ["now-15m", "", "Last 15 minutes"],
  ["now-24h", "now", "Last 24 hours"],
  ["now-3h", "", "Last 3 hours"],
  ["now-1w", "", "Last 1 week"],
  ["now/d", "", "Today"],
  ["now-1d/d", "now/d", "Yesterday"],
  ["", "", "All that is retained"],
  ["now-2d/d", "", "From now-2d/d on"],
  ["", "2026-04-17T12:00:00Z", "Until 2026-04-17 14:00:00"],
  ["2026-04-17T12:00:00Z", "2026-04-17T12:05:01Z", "2026-04-17 14:00:00 – 14:05:01"],
  ["2026-04-17T12:00:00.25Z", "2026-04-18T12:00:00Z", "2026-04-17 14:00:00.250 – 2026-04-18 14:00:00"],
  ["now-2h", "now-1h", "now-2h – now-1h"],
])("says what %j to %j is", (from, to, want) => expect(described({ from, to }, zone)).toBe(want));

it.each<[string, string | null]>([
  ["", ""],
  [" now-15m ", "now-15m"],
  ["now-1d/d", "now-1d/d"],
  ["now-1x", null],
  ["2026-04-17 14:32:01", "2026-04-17T12:32:01Z"],
  ["2026-04-17T14:32", "2026-04-17T12:32:00Z"],
  ["2026-04-17", "2026-04-16T22:00:00Z"],
  ["2026-04-17T14:32:01Z", "2026-04-17T14:32:01Z"],
  ["2026-04-17T14:32:01+05:30", "2026-04-17T09:02:01Z"],
  ["2026-04-17 14:32:01.123456", "2026-04-17T12:32:01.123456Z"],
  ["2026-13-17", null],
  ["yesterday", null],
])("reads %j", (typed, want) => expect(readTime(typed, zone)).toBe(want));

describe("widened", () => {
  const now = Date.parse("2026-04-17T12:00:00Z");
  it("goes from a named range to the next", () => {
    expect(widened({ from: "now-1h", to: "" }, 0, 0, now)).toEqual({ from: "now-4h", to: "" });
    expect(widened({ from: "now-365d", to: "" }, 0, 0, now)).toEqual({ from: "", to: "" });
  });
  it("doubles any other, and leaves it open where it would reach beyond now", () => {
    const [start, end] = [Date.parse("2026-04-17T10:00:00Z"), Date.parse("2026-04-17T11:00:00Z")];
    expect(widened({ from: "x", to: "y" }, start, end, now)).toEqual({
      from: "2026-04-17T09:30:00Z",
      to: "2026-04-17T11:30:00Z",
    });
    expect(widened({ from: "now/d", to: "" }, start, now, now)).toEqual({ from: "2026-04-17T09:00:00Z", to: "" });
  });
});

it("finds zones by any of their names' parts, the local one and UTC first", () => {
  const all = ["Africa/Abidjan", "America/New_York", "Europe/Prague", "Europe/York"];
  expect(zones("", zone, all)).toEqual(["Europe/Prague", "UTC", "Africa/Abidjan", "America/New_York", "Europe/York"]);
  expect(zones("new york", zone, all)).toEqual(["America/New_York"]);
  expect(zones("york", zone, all)).toEqual(["Europe/York", "America/New_York"]);
});
