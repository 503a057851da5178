import { describe, expect, it } from "vitest";
import type { Event, Highlight, Json } from "../api/types.ts";
import { cellPieces, cut, marksOf, type Piece, summaryPieces } from "./marks.ts";

/** What is marked stands in brackets. */
const shown = (pieces: Piece[]) => pieces.map(({ text, marked }) => (marked ? `[${text}]` : text)).join("");

const part = (pointer: string, of: "key" | "value", start: number, end: number): Highlight => ({
  field: "payload",
  start: 0,
  end: 1,
  parts: [{ pointer, of, start, end }],
});

describe("cut", () => {
  it.each<[string, [number, number][], string]>([
    ["login.failed", [[0, 6]], "[login.]failed"],
    ["a😀bž", [[1, 2]], "a[😀]bž"],
    ["a😀bž", [[2, 4]], "a😀[bž]"],
    ["😀😀x", [[2, 3]], "😀😀[x]"],
    ["a\tb\r\nc\u202ed", [[5, 6]], "a b·↵[c]·d"],
    ["450", [[0, 6]], "[450]"],
    ["450", [[4, 6]], "450"],
    [
      "aXbX",
      [
        [1, 2],
        [3, 4],
      ],
      "a[X]b[X]",
    ],
  ])("%s at %j", (text, ranges, want) => expect(shown(cut(text, ranges))).toBe(want));
});

describe("the summary of a payload", () => {
  const summary = (payload: Json, ...highlights: Highlight[]) => shown(summaryPieces(payload, marksOf(highlights)));

  it("writes names and values, the nested by their paths", () => {
    expect(summary({ a: 1, b: { c: "x" }, d: [1, null], e: [{ f: true }] })).toBe("a 1  b.c x  d 1, null  e.0.f true");
    expect(summary("text")).toBe("text");
    expect(summary({})).toBe("");
  });

  it("begins with what matched", () => {
    const payload = { a: "one", "b/~": { note: "příliš 😀 card" }, tags: ["xa", "xb"], amount: 450 };
    expect(summary(payload, part("/b~1~0/note", "value", 9, 13))).toMatch(/^b\/~\.note příliš 😀 \[card\] {2}a one/);
    expect(summary(payload, part("/tags/1", "value", 0, 1))).toMatch(/^tags xa, \[x\]b {2}a one/);
    expect(summary(payload, part("/amount", "key", 0, 2))).toMatch(/^\[am\]ount 450/);
    expect(summary(payload, part("/b~1~0", "key", 0, 1))).toMatch(/^\[b\]\/~\.note/);
  });

  it("shows the surroundings of a match in a long text", () => {
    const text = `${"x".repeat(500)}card${"y".repeat(500)}`;
    expect(summary({ text }, part("/text", "value", 500, 504))).toBe(
      `text …${"x".repeat(40)}[card]${"y".repeat(156)}…`,
    );
    expect(summary({ text })).toBe(`text ${"x".repeat(160)}…`);
  });

  it("looks for matches behind what a line has room for", () => {
    const payload = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i]));
    expect(summary(payload, part("/k90", "value", 0, 2))).toMatch(/^k90 \[90\] {2}k0 0/);
  });
});

it("marks what matched in the cells of fields and of payloads' values", () => {
  const event = {
    severity: "ERROR",
    eventType: "login.failed",
    payload: { a: { "b.c": "card" }, n: null },
  } as unknown as Event;
  const marks = marksOf([{ field: "eventType", start: 0, end: 6 }, part("/a/b.c", "value", 0, 4)]);
  expect(shown(cellPieces("eventType", event, "UTC", marks))).toBe("[login.]failed");
  expect(shown(cellPieces("payload.a.b\\.c", event, "UTC", marks))).toBe("[card]");
  expect(shown(cellPieces("payload.n", event, "UTC", marks))).toBe("");
  expect(shown(cellPieces("payload.a", event, "UTC", marks))).toBe('{"b.c":"card"}');
});
