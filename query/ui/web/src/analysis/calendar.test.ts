import { describe, expect, it } from "vitest";
import { edges, span, startOfDay, ticks, type Width, widthOf } from "./calendar.ts";

const at = (text: string) => Date.parse(text);
const iso = (times: number[]) => times.map((time) => new Date(time).toISOString().slice(0, 16));
const width = (name: string) => widthOf(name) as Width;
const prague = "Europe/Prague";

describe("startOfDay", () => {
  it.each([
    ["2026-11-25", prague, "2026-11-24T23:00:00Z"],
    ["2026-03-29", prague, "2026-03-28T23:00:00Z"], // Clocks change at two.
    ["2026-03-30", prague, "2026-03-29T22:00:00Z"],
    ["2026-09-06", "America/Santiago", "2026-09-06T04:00:00Z"], // Midnight doesn't exist.
    ["2026-11-01", "America/Havana", "2026-11-01T04:00:00Z"], // Midnight comes twice.
    ["2026-11-25", "Asia/Kathmandu", "2026-11-24T18:15:00Z"],
  ])("of %s in %s", (day, zone, want) => expect(startOfDay(at(day), zone)).toBe(at(want)));
});

describe("edges", () => {
  it("reaches over the range at both ends", () => {
    expect(iso(edges(at("2026-11-25T10:20:00Z"), at("2026-11-25T12:00:00.5Z"), width("1h"), "UTC"))).toEqual([
      "2026-11-25T10:00",
      "2026-11-25T11:00",
      "2026-11-25T12:00",
      "2026-11-25T13:00",
    ]);
  });
  it("has days of 23 and 25 hours", () => {
    expect(iso(edges(at("2026-03-28T00:00:00Z"), at("2026-03-30T00:00:00Z"), width("1d"), prague))).toEqual([
      "2026-03-27T23:00",
      "2026-03-28T23:00",
      "2026-03-29T22:00",
      "2026-03-30T22:00",
    ]);
  });
  it("counts hours from the beginning of the day", () => {
    expect(iso(edges(at("2026-03-29T10:30:00Z"), at("2026-03-30T00:00:00Z"), width("12h"), prague))).toEqual([
      "2026-03-28T23:00",
      "2026-03-29T11:00",
      "2026-03-29T22:00",
      "2026-03-30T10:00",
    ]);
  });
  it("begins weeks on Mondays, and months with the first", () => {
    expect(iso(edges(at("2026-11-25T00:00:00Z"), at("2026-12-01T00:00:00Z"), width("1w"), "UTC"))).toEqual([
      "2026-11-23T00:00",
      "2026-11-30T00:00",
      "2026-12-07T00:00",
    ]);
    expect(iso(edges(at("2026-11-25T00:00:00Z"), at("2027-01-02T00:00:00Z"), width("1mo"), prague))).toEqual([
      "2026-10-31T23:00",
      "2026-11-30T23:00",
      "2026-12-31T23:00",
      "2027-01-31T23:00",
    ]);
  });
  it("is one bucket at least, and ten thousand at most", () => {
    expect(edges(5000, 5000, width("1s"), "UTC")).toEqual([5000, 6000]);
    expect(edges(0, 1e12, width("1s"), "UTC")).toHaveLength(10_001);
  });
});

describe("ticks", () => {
  const texts = (from: string, to: string, zone: string, bucket = "1s") =>
    ticks(at(from), at(to), 8, zone, width(bucket)).map((tick) => tick.text);
  it("says the day where it is another one", () => {
    expect(texts("2026-11-25T12:00:00Z", "2026-11-26T12:00:00Z", prague)).toEqual([
      "15:00\nWed 25 Nov",
      "18:00",
      "21:00",
      "00:00\nThu 26 Nov",
      "03:00",
      "06:00",
      "09:00",
      "12:00",
    ]);
  });
  it("keeps to the zone's days where clocks change", () => {
    expect(texts("2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z", prague, "1d")).toEqual([
      "28 Mar\n2026",
      "29 Mar",
      "30 Mar",
      "31 Mar",
    ]);
  });
  it("goes from seconds to years", () => {
    expect(texts("2026-11-25T12:00:00Z", "2026-11-25T12:00:30Z", "UTC")[0]).toBe("12:00:00\nWed 25 Nov");
    expect(texts("2025-11-25T12:00:00Z", "2026-11-25T12:00:00Z", "UTC")).toEqual(["Jan\n2026", "Apr", "Jul", "Oct"]);
    expect(texts("2001-11-25T12:00:00Z", "2026-11-25T12:00:00Z", "UTC")).toHaveLength(25);
  });
});

describe("span", () => {
  it.each([
    ["2026-11-25T10:00:00Z", "2026-11-25T11:00:00Z", "2026-11-25 11:00 – 12:00"],
    ["2026-11-25T10:00:05Z", "2026-11-25T10:00:10Z", "2026-11-25 11:00:05 – 11:00:10"],
    ["2026-11-24T23:00:00Z", "2026-11-25T23:00:00Z", "2026-11-25"],
    ["2026-11-22T23:00:00Z", "2026-11-29T23:00:00Z", "2026-11-23 – 2026-11-29"],
    ["2026-11-25T22:00:00Z", "2026-11-26T10:00:00Z", "2026-11-25 23:00 – 2026-11-26 11:00"],
  ])("%s to %s", (from, to, want) => expect(span(at(from), at(to), prague)).toBe(want));
});
