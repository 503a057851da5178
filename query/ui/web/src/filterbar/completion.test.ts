import { describe, expect, it } from "vitest";
import type { Field } from "../api/types.ts";
import { atCaret } from "../query/language.ts";
import { completed, hasValues, names, values } from "./completion.ts";

const field = (name: string, share: number, short?: string): Field => ({
  name,
  ...(short && { short }),
  types: [],
  events: 1,
  share,
  examples: ["a", "b", "c"],
});
const fields = [
  field("eventType", 1, "type"),
  field("targetType", 1),
  field("payload.customer.type", 0.004),
  field("payload.stereotype", 0.5),
];
const at = (marked: string) => atCaret(marked.replace("|", ""), marked.indexOf("|"));

it("offers the fields that begin with what is typed, then those that have it", () => {
  expect(names(fields, "type").map(({ insert }) => insert)).toEqual([
    "eventType:",
    "payload.customer.type:",
    "targetType:",
    "payload.stereotype:",
  ]);
  expect(names(fields, "customer")[0]).toEqual({
    insert: "payload.customer.type:",
    label: "payload.customer.type",
    detail: "<1 % · a, b",
  });
  expect(names(fields, "nothing")).toEqual([]);
});

it("offers values in the form that q needs, and the forms of a field", () => {
  expect(values(at("source:b|"), [{ value: "billing api", count: 12345 }])).toEqual([
    { insert: '"billing api"', label: "billing api", detail: "12,345" },
  ]);
  expect(values(at("severity:|"), [{ value: "WARN", count: 1 }]).map(({ insert }) => insert)).toEqual([
    "WARN",
    "WARN+",
    "ERROR+",
  ]);
  expect(values(at("time:>n|"), []).map(({ insert }) => insert)).toEqual([">now-1h"]);
});

it("asks for no values where there are none to find", () => {
  expect(["type:a|", "payload.n:>5|", "payload.n:1..|", "type:a*|", "time:now|"].map((q) => hasValues(at(q)))).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});

describe("completed", () => {
  it.each([
    ["sev|", "severity:", "severity:|"],
    ["x -sev| y", "severity:", "x -severity:| y"],
    ["type:log|", "login.failed", "type:login.failed |"],
    ["type:log| x", "login.failed", "type:login.failed |x"],
    ["type:(a OR log|)", "login.failed", "type:(a OR login.failed|)"],
    ['source:"bil|', '"billing api"', 'source:"billing api" |'],
  ])("%j with %j", (marked, insert, want) => {
    const { q, caret } = completed(marked.replace("|", ""), at(marked), { insert, label: "", detail: "" });
    expect(`${q.slice(0, caret)}|${q.slice(caret)}`).toBe(want);
  });
});
