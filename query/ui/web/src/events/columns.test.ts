import { expect, it } from "vitest";
import type { Event } from "../api/types.ts";
import { columnOf, pathIn, summary, textOf } from "./columns.ts";

const event: Event = {
  eventId: "evt_1",
  tenantId: "t",
  eventType: "payment.received",
  severity: "INFO",
  category: "billing",
  createdAt: "2026-04-17T14:32:01.5Z",
  ingestedAt: "2026-04-17T14:32:02Z",
  payload: { amount: 450, customer: { id: "cust_1" }, "a.b": ["x", 1, null], none: null, lines: [{ n: 1 }] },
  region: "eu",
};

it.each([
  ["createdAt", "2026-04-17 16:32:01.500"],
  ["eventType", "payment.received"],
  ["source", ""],
  ["region", "eu"],
  ["payload.amount", "450"],
  ["payload.customer.id", "cust_1"],
  ["payload.customer", '{"id":"cust_1"}'],
  ["payload.a\\.b", "x, 1, "],
  ["payload.none", ""],
  ["payload.amount.more", ""],
  ["payload.toString", ""],
  ["payload.lines", '[{"n":1}]'],
])("the column %s", (id, want) => expect(columnOf(id).text(event, "Europe/Prague")).toBe(want));

it("names a payload's column by its path", () => {
  expect(columnOf("payload.customer.id").label).toBe("customer.id");
  expect(pathIn("attr.a\\.b.c")).toEqual(["a.b", "c"]);
  expect(pathIn("payload")).toBeNull();
});

it("writes a payload in a line", () => {
  expect(summary({ amount: 450, ok: true, lines: [1, 2] })).toBe("amount 450 · ok true · lines 1, 2");
  expect(textOf("text")).toBe("text");
});
