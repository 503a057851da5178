import { expect, test } from "vitest";
import { ofField, ofValue } from "./conditions.ts";
import { keysIn, member, read, type Value } from "./json.ts";

const payload = read(`{
  "amount": 1.30, "debt": -5, "ok": true, "gone": null, "nothing": "", "a.b": {"c d": "x:y"},
  "tags": ["a*", "", null], "items": [{"sku": "S \\"1\\""}], "grid": [[1]], "": "unnamed", "long": "${"x".repeat(1001)}"
}`);

function at(pointer: string): Value {
  let value = payload;
  for (const key of keysIn(pointer))
    value = (value.kind === "array" ? value.children[Number(key)] : member(value, key)) as Value;
  return value;
}

test.each([
  ["/amount", "payload.amount:1.30", "-payload.amount:1.30"],
  ["/debt", 'payload.debt:"-5"', '-payload.debt:"-5"'],
  ["/ok", "payload.ok:true", "-payload.ok:true"],
  ["/gone", "-payload.gone:*", "payload.gone:*"],
  ["/nothing", 'payload.nothing:""', '-payload.nothing:""'],
  ["/a.b", "payload.a\\.b:*", "-payload.a\\.b:*"],
  ["/a.b/c d", "payload.a\\.b.c\\ d:x:y", "-payload.a\\.b.c\\ d:x:y"],
  ["/tags", "payload.tags:*", "-payload.tags:*"],
  ["/tags/0", 'payload.tags:"a*"', '-payload.tags:"a*"'],
  ["/items/0/sku", '"S \\"1\\""', '-"S \\"1\\""'],
  ["/grid/0/0", '"1"', '-"1"'],
  ["/", '"unnamed"', '-"unnamed"'],
])("%s is asked for by %s", (pointer, include, exclude) => {
  expect(ofValue(at(pointer), payload)).toMatchObject({ include, exclude });
});

test.each(["/tags/2", "/items/0", "/grid/0", "/long"])("%s can't be asked for", (pointer) => {
  expect(ofValue(at(pointer), payload)).toBeNull();
});

test("fields", () => {
  expect(ofField("source", "billing api")).toMatchObject({ include: 'source:"billing api"' });
});
