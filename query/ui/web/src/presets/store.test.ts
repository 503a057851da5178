import { describe, expect, it } from "vitest";
import type { Preset } from "../api/types.ts";
import { filterObject, words } from "./store.ts";

const filter = { q: "", from: "", to: "", tz: "Europe/Prague", preset: "", include: "" };
const base: Preset = {
  id: "1",
  name: "a",
  filter: { category: "auth", q: "a OR b", from: "now/d", to: "now" },
  shared: true,
  owner: null,
  mine: false,
  version: 1,
  createdAt: null,
  updatedAt: null,
};

describe("filterObject", () => {
  it("keeps what is set, and the zone where a time is relative", () => {
    expect(filterObject({ ...filter, q: "x", from: "2026-01-01T00:00:00Z" })).toEqual({
      q: "x",
      from: "2026-01-01T00:00:00Z",
    });
    expect(filterObject({ ...filter, from: "now/d" })).toEqual({ from: "now/d", tz: "Europe/Prague" });
  });
  it("narrows the preset it began with", () => {
    expect(filterObject({ ...filter, q: "x" }, base)).toEqual({
      category: "auth",
      q: "(a OR b) x",
      from: "now/d",
      to: "now",
      tz: "Europe/Prague",
    });
    expect(filterObject({ ...filter, from: "now-1h" }, base)).toMatchObject({ from: "now-1h" });
    expect(filterObject({ ...filter, from: "now-1h" }, base)).not.toHaveProperty("to");
  });
});

it("says in words what a preset finds", () => {
  expect(words({ category: "auth", eventType: ["*fail*", "x"] })).toEqual(["category: auth", "eventType: *fail* or x"]);
});
