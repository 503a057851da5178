import { expect, test } from "vitest";
import { indented, keysIn, keysOf, member, plain, pointerTo, read, written } from "./json.ts";

const text = `{"big":12345678901234567890123, "amount" : 1.30,"e":-1E+3,"2":"b","1":"a",
  "a\\"b":"x\\n\\u00e9\\\\","same":1,"same":2,"list":[true,false,null,[],{}],"s\\\\":""}`;

test("numbers, order and names stay as they were sent", () => {
  const root = read(text);
  expect(root.children.map(({ key }) => key)).toEqual([
    ...["big", "amount", "e", "2", "1", 'a"b', "same", "same", "list", "s\\"],
  ]);
  expect(root.children.slice(0, 3).map(written)).toEqual(["12345678901234567890123", "1.30", "-1E+3"]);
  expect(plain(root.children[5] ?? root)).toBe("x\né\\");
  expect(written(member(root, "same") ?? root)).toBe("2");
  expect(member(root, "list")?.children.map(({ kind }) => kind)).toEqual([
    ...["boolean", "boolean", "null", "array", "object"],
  ]);
  expect(written(root)).toBe(text);
});

test("what JSON.parse takes is taken, and means the same", () => {
  for (const one of [text, "0", '""', " [ 1 , [ ] ] ", '"\\\\\\""', "null", '{"a":{"b":[{"c":1e-7}]}}', "true"]) {
    const root = read(one);
    expect(JSON.parse(indented(root))).toEqual(JSON.parse(one));
  }
});

test("what is no JSON is refused", () => {
  for (const one of ["", "{", "[1,]", '{"a"}', '"', "nul", "1 2", '{"a":1,}', "[1", "-", '"\\"'])
    expect(() => read(one), one).toThrow(SyntaxError);
});

test("a value knows its place", () => {
  const root = read('{"a":[{"x/y~":1}]}');
  const leaf = root.children[0]?.children[0]?.children[0] ?? root;
  expect(keysOf(leaf, root)).toEqual(["a", 0, "x/y~"]);
  const pointer = keysOf(leaf, root).reduce<string>(pointerTo, "");
  expect(pointer).toBe("/a/0/x~1y~0");
  expect(keysIn(pointer)).toEqual(["a", "0", "x/y~"]);
  expect(keysIn("")).toEqual([]);
});

test("indenting changes nothing but the space between", () => {
  expect(indented(read('{"a":1.30,"b":[1,{}],"c":{"d":"\\u0041"}}'))).toBe(
    '{\n  "a": 1.30,\n  "b": [\n    1,\n    {}\n  ],\n  "c": {\n    "d": "\\u0041"\n  }\n}',
  );
});

test("a megabyte and a deep nest are read", () => {
  const long = JSON.stringify({ list: Array.from({ length: 40_000 }, (_, i) => ({ i, name: `n${i}` })) });
  expect(read(long).children[0]?.children).toHaveLength(40_000);
  expect(read("[".repeat(1000) + "]".repeat(1000)).kind).toBe("array");
});
