import { expect, it } from "vitest";
import { canonical, standing, standings, toggled, withoutField } from "./conditions.ts";

it.each<[string, string, string, boolean, string]>([
  ["", "eventType", "a.b", false, "eventType:a.b"],
  ["x", "eventType", "two words", false, 'x eventType:"two words"'],
  ["x eventType:a", "eventType", "b", false, "x eventType:(a OR b)"],
  ["type:a x", "eventType", "b", false, "type:(a OR b) x"],
  ["eventType:(a OR b OR c)", "eventType", "b", false, "eventType:(a OR c)"],
  ["eventType:(a OR b)", "eventType", "a", false, "eventType:b"],
  ["x eventType:a y", "eventType", "a", false, "x y"],
  ["-eventType:a", "eventType", "a", false, "eventType:a"],
  ["eventType:a", "eventType", "a", true, "-eventType:a"],
  ["eventType:(a OR b)", "eventType", "a", true, "eventType:b -eventType:a"],
  ["-eventType:a", "eventType", "b", true, "-eventType:a -eventType:b"],
  ["-eventType:a x", "eventType", "a", true, "x"],
  ["-eventType:(a OR b)", "eventType", "a", true, "-eventType:b"],
  ["a OR b", "source", "c", false, "(a OR b) source:c"],
  ["severity:WARN+", "severity", "INFO", false, "severity:(WARN OR ERROR OR CRITICAL OR INFO)"],
  ["severity:warn+", "severity", "CRITICAL", false, "severity:(WARN OR ERROR)"],
  ["type:login.*", "eventType", "login.failed", false, "type:login.* eventType:login.failed"],
  ["payload.n:>5", "payload.n", "7", false, "payload.n:>5 payload.n:7"],
  ["attr.n:1", "payload.n", "2", false, "attr.n:(1 OR 2)"],
])("%j with %s %s, excluded: %s", (q, field, value, excluded, want) =>
  expect(toggled(q, field, value, excluded)).toBe(want),
);

it("knows how q stands to a value", () => {
  expect(standing("type:(a OR b)", "eventType", "b")).toBe("included");
  expect(standing('-source:"a b"', "source", "a b")).toBe("excluded");
  expect(standing("NOT source:a", "source", "a")).toBe("excluded");
  expect(standing("source:a*", "source", "a*")).toBeNull();
  expect(standing("severity:ERROR+", "severity", "CRITICAL")).toBe("included");
  expect(standing("source:a OR source:b", "source", "a")).toBeNull();
  expect([...standings("type:(a OR b) -type:c", "eventType")]).toEqual([
    ["a", "included"],
    ["b", "included"],
    ["c", "excluded"],
  ]);
});

it("leaves a field's conditions out", () => {
  expect(withoutField("x type:a -type:b y", "eventType")).toBe("x y");
  expect(withoutField("type:a*", "eventType")).toBe("type:a*");
});

it("knows short names", () => {
  expect(["type", "attr.a", "payload.a", "source"].map(canonical)).toEqual([
    "eventType",
    "payload.a",
    "payload.a",
    "source",
  ]);
});
