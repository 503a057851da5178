import { expect, test } from "vitest";
import { cutAt, visible } from "./text.ts";

test("what nobody would see is shown, one for one", () => {
  const text = "a\u0000b\r\n\tc\u202ed\u007f😀";
  expect(visible(text)).toBe("a␀b␍\n\tc\ufffdd␡😀");
  expect(visible(text)).toHaveLength(text.length);
});

test("no character is torn apart", () => {
  expect("a😀b".slice(0, cutAt("a😀b", 2))).toBe("a😀");
  expect(cutAt("abc", 2)).toBe(2);
  expect(cutAt("abc", 9)).toBe(3);
});
