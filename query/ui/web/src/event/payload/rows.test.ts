import { expect, test } from "vitest";
import { plain, read } from "./json.ts";
import { everything, leadingTo, rowsOf, startOpen } from "./rows.ts";

const ids = (text: string, open: Iterable<string>) => rowsOf(read(text), new Set(open)).map(({ id }) => id);

test("folded things show no children", () => {
  const text = '{"a":{"b":[1,2]},"c":{},"d/e":3}';
  expect(ids(text, [])).toEqual(["/a", "/c", "/d~1e"]);
  expect(ids(text, ["/a", "/a/b"])).toEqual(["/a", "/a/b", "/a/b/0", "/a/b/1", "/c", "/d~1e"]);
  const rows = rowsOf(read(text), new Set(["/a"]));
  expect(rows.map(({ level, position, siblings, open }) => [level, position, siblings, open])).toEqual([
    [1, 1, 3, true],
    [2, 1, 1, false],
    [1, 2, 3, null],
    [1, 3, 3, null],
  ]);
});

test("members with one name have a row each, and the last is the pointer's", () => {
  const rows = rowsOf(read('{"a":1,"a":2,"b":3}'), new Set());
  expect(rows.map(({ id, value }) => [id, plain(value)])).toEqual([
    ["/a#0", "1"],
    ["/a", "2"],
    ["/b", "3"],
  ]);
});

test("many children come in slices, and slices in slices", () => {
  const list = (n: number) => JSON.stringify({ list: Array.from({ length: n }, (_, i) => i) });
  expect(ids(list(100), ["/list"])).toHaveLength(101);
  expect(ids(list(250), ["/list"])).toEqual(["/list", "/list#0-100", "/list#100-200", "/list#200-250"]);
  expect(ids(list(250), ["/list", "/list#200-250"]).slice(-2)).toEqual(["/list/248", "/list/249"]);
  expect(ids(list(25_000), ["/list"])).toEqual(["/list", "/list#0-10000", "/list#10000-20000", "/list#20000-25000"]);
  expect(ids(list(25_000), ["/list", "/list#20000-25000"])[4]).toBe("/list#20000-20100");
});

test("at first, as many levels are open as there is room for", () => {
  const text = '{"a":{"x":1,"y":{"z":1}},"b":[1,2,3,4,5,6,7,8,9]}';
  expect(startOpen(read(text))).toEqual(new Set(["/a", "/b", "/a/y"]));
  expect(startOpen(read(text), 6)).toEqual(new Set(["/a", "/a/y"]));
  expect(startOpen(read(text), 2)).toEqual(new Set());
});

test("what leads to a value, through slices too", () => {
  const root = read(JSON.stringify({ a: { list: Array.from({ length: 25_000 }, (_, i) => ({ i })) } }));
  const open = leadingTo(root, "/a/list/20345/i");
  expect(open).toEqual(["/a", "/a/list", "/a/list#20000-25000", "/a/list#20300-20400", "/a/list/20345"]);
  expect(rowsOf(root, new Set(open)).map(({ id }) => id)).toContain("/a/list/20345/i");
  expect(leadingTo(root, "/nowhere/at/all")).toEqual([]);
});

test("unfolding everything ends where there is no more room", () => {
  const root = read(JSON.stringify({ a: { b: { c: 1 } }, list: Array.from({ length: 5000 }, (_, i) => i) }));
  const few = everything(root, 100);
  expect(few.whole).toBe(false);
  expect(rowsOf(root, few.open).length).toBeLessThanOrEqual(300);
  const all = everything(root, 100_000);
  expect(all.whole).toBe(true);
  expect(rowsOf(root, all.open)).toHaveLength(4 + 50 + 5000);
});
