import { describe, expect, it } from "vitest";
import { and, atCaret, condition, pathOf, quote, terms, unitAt, without } from "./language.ts";

const texts = (q: string) => terms(q)?.map((term) => term.text);

describe("terms", () => {
  it.each<[string, string[] | undefined]>([
    ["", []],
    ["card declined", ["card", "declined"]],
    ['"card declined" -test', ['"card declined"', "-test"]],
    ["card AND NOT test x", ["card", "NOT test", "x"]],
    ["type:(login.* OR logout) severity:WARN+", ["type:(login.* OR logout)", "severity:WARN+"]],
    ['source:"billing api" -(a OR b)', ['source:"billing api"', "-(a OR b)"]],
    ["a OR b", undefined],
    ['said:"a \\" b" c', ['said:"a \\" b"', "c"]],
    ["a\\ b c", ["a\\ b", "c"]],
    ['open "never closed', ["open", '"never closed']],
    ["x ) y", ["x", ")", "y"]],
  ])("of %j", (q, want) => expect(texts(q)).toEqual(want));

  it("knows fields, values and what is excluded", () => {
    expect(terms("-actor:jane")).toEqual([
      { text: "-actor:jane", from: 0, to: 11, excluded: true, field: "actor", value: "jane" },
    ]);
    expect(terms('"a:b"')?.[0]?.field).toBeNull();
    expect(terms("payload.a\\:b:c")?.[0]).toMatchObject({ field: "payload.a\\:b", value: "c" });
  });

  it("can be taken out one by one", () => {
    const q = "a NOT b  c:(d OR e) f";
    const list = terms(q) ?? [];
    expect(list.map((term) => without(q, term))).toEqual([
      "NOT b  c:(d OR e) f",
      "a c:(d OR e) f",
      "a NOT b f",
      "a NOT b  c:(d OR e)",
    ]);
  });
});

describe("and", () => {
  it("adds once, replaces the contrary, and keeps alternatives together", () => {
    expect(and("", "a:b")).toBe("a:b");
    expect(and("x", "a:b")).toBe("x a:b");
    expect(and("x a:b", "a:b")).toBe("x a:b");
    expect(and("x -a:b y", "a:b")).toBe("x y a:b");
    expect(and("a:b", "-a:b")).toBe("-a:b");
    expect(and("a OR b", "c:d")).toBe("(a OR b) c:d");
  });
});

describe("quote", () => {
  it.each([
    ["login.failed", "login.failed"],
    ["jane@example.com", "jane@example.com"],
    ["two words", '"two words"'],
    ["login.*", '"login.*"'],
    ["a..b", '"a..b"'],
    ["OR", '"OR"'],
    [">5", '">5"'],
    ["-x", '"-x"'],
    ['say "hi" \\ bye', '"say \\"hi\\" \\\\ bye"'],
    ["", '""'],
    ["Überweisung", "Überweisung"],
  ])("%j", (value, want) => expect(quote(value)).toBe(want));

  it("makes conditions and paths", () => {
    expect(condition("source", "billing api", true)).toBe('-source:"billing api"');
    expect(pathOf(["customer", "id"])).toBe("payload.customer.id");
    expect(pathOf(["lines", 0, "unit.price"])).toBe("payload.lines.unit\\.price");
  });
});

describe("atCaret", () => {
  const at = (marked: string) => atCaret(marked.replace("|", ""), marked.indexOf("|"));
  it.each<[string, ReturnType<typeof atCaret>]>([
    ["sev|", { kind: "name", field: "", typed: "sev", from: 0, to: 3 }],
    ["a -sev|x b", { kind: "name", field: "", typed: "sev", from: 3, to: 7 }],
    ["source:bil|", { kind: "value", field: "source", typed: "bil", from: 7, to: 10 }],
    ['source:"billing a|pi" x', { kind: "value", field: "source", typed: "billing a", from: 7, to: 20 }],
    ["type:(login.* OR log|) x", { kind: "value", field: "type", typed: "log", from: 17, to: 20 }],
    ["(a OR ty|)", { kind: "name", field: "", typed: "ty", from: 6, to: 8 }],
    ["|", { kind: "name", field: "", typed: "", from: 0, to: 0 }],
  ])("%s", (marked, want) => expect(at(marked)).toEqual(want));
});

describe("unitAt", () => {
  it("counts bytes of UTF-8", () => {
    expect(unitAt("aé😀b", 0)).toBe(0);
    expect(unitAt("aé😀b", 3)).toBe(2);
    expect(unitAt("aé😀b", 7)).toBe(4);
    expect(unitAt("ab", 9)).toBe(2);
  });
});
