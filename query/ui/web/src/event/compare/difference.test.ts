import { expect, test } from "vitest";
import { read } from "../payload/json.ts";
import { changedPart, compared, comparedMembers, comparedRows } from "./difference.ts";

const rows = (payload: string, patch: object[] | string, all = false) =>
  comparedRows(compared(read(payload), read(typeof patch === "string" ? patch : JSON.stringify(patch))), all).map(
    ({ path, change, before, after }) => [path, change, before, after],
  );

test("members that are added, removed and changed, with numbers as they were sent", () => {
  const patch = `[{"op":"remove","path":"/gone"},{"op":"replace","path":"/a/b~1c","value":12345678901234567890},
    {"op":"add","path":"/new","value":{"x":1.50}}]`;
  expect(rows('{"a":{"b/c":1.30,"same":1},"gone":[1],"":2}', patch)).toEqual([
    ["a.b/c", "changed", "1.30", "12345678901234567890"],
    ["gone", "removed", "[1]", null],
    ["new", "added", null, '{"x":1.50}'],
  ]);
  expect(rows('{"a":{"b/c":1.30,"same":1},"gone":[1],"":2}', patch, true).map(([path]) => path)).toEqual([
    ...["a.b/c", "a.same", "gone", '""', "new"],
  ]);
});

test("indexes of lists are those at the time of each operation", () => {
  const patch = [
    { op: "replace", path: "/list/0", value: "A" },
    { op: "remove", path: "/list/1" },
    { op: "remove", path: "/list/1" },
    { op: "add", path: "/list/2", value: "e" },
    { op: "add", path: "/list/3", value: "f" },
    { op: "replace", path: "/list/1/x", value: 2 },
  ];
  expect(rows('{"list":["a","b","c",{"x":1}]}', patch)).toEqual([
    ["list[0]", "changed", '"a"', '"A"'],
    ["list[1]", "removed", '"b"', null],
    ["list[2]", "removed", '"c"', null],
    ["list[3].x", "changed", "1", "2"],
    ["list[2]", "added", null, '"e"'],
    ["list[3]", "added", null, '"f"'],
  ]);
});

test("the whole payload may be another, or the same", () => {
  expect(rows("{}", [{ op: "replace", path: "", value: [] }])).toEqual([["", "changed", "{}", "[]"]]);
  expect(rows('{"a":1}', [])).toEqual([]);
});

test("a patch of something else is refused", () => {
  expect(() => rows("{}", [{ op: "remove", path: "/a" }])).toThrow("names a");
});

test("members besides the payload", () => {
  const before = read('{"eventId":"a","eventType":"x","source":"s","actorId":"j","payload":{"a":1}}');
  const after = read('{"eventId":"b","eventType":"x","source":"t","note":1,"payload":{}}');
  expect(comparedMembers(before, after, false)).toEqual([
    { path: "source", change: "changed", before: '"s"', after: '"t"' },
    { path: "actorId", change: "removed", before: '"j"', after: null },
    { path: "note", change: "added", before: null, after: "1" },
  ]);
  expect(comparedMembers(before, after, true)).toHaveLength(4);
});

test("the part in which two texts differ", () => {
  expect(changedPart("edge-dt-1", "edge-wm-1")).toEqual({ from: 5, toA: 7, toB: 7 });
  expect(changedPart("aa", "aaa")).toEqual({ from: 2, toA: 2, toB: 3 });
  expect(changedPart("same", "same")).toEqual({ from: 4, toA: 4, toB: 4 });
});
