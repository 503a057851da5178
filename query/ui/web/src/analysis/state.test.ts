import { describe, expect, it } from "vitest";
import { addressWith } from "../state/location.ts";
import { analysisOf, changesOf, isolated, showingOf, shown, titleOf, toggled } from "./state.ts";

const read = (text: string) => analysisOf(new URLSearchParams(text));
const showing = (text: string) => showingOf(new URLSearchParams(text), read(text));

describe("analysisOf", () => {
  it("starts with an example", () => {
    expect(read("q=x&from=now-1h")).toEqual({
      measures: [{ op: "count", field: "" }],
      by: ["severity"],
      bucket: "auto",
      top: 10,
      rank: 0,
      other: true,
      fill: "zero",
      previous: false,
    });
  });

  it("groups by nothing where the address says what to measure and no more", () => {
    expect(read("m=count").by).toEqual([]);
    expect(read("by=source").measures).toEqual([{ op: "count", field: "" }]);
  });

  it.each([
    "m=count&m=p95%3Apayload.latency_ms&by=eventType&by=payload.currency&bucket=1h&top=20&rank=1&other=no&fill=gap&vs=previous",
    "m=uniq%3Apayload.a%5C%3Ab&bucket=none",
    "m=count&fill=join",
  ])("comes back from the address: %s", (address) => {
    expect(addressWith("", "", changesOf(read(address)))).toBe(`?${address}`);
  });

  it("bounds what is nonsense", () => {
    expect(read("m=count&top=-3&rank=7&fill=x")).toMatchObject({ top: 10, rank: 0, fill: "zero" });
    expect(read("m=count&top=99999").top).toBe(1000);
  });
});

describe("showingOf", () => {
  it.each([
    ["", "lines"],
    ["bucket=none", "bars"],
    ["m=count&bucket=none", "table"],
    ["draw=bars", "bars"],
    ["bucket=none&draw=lines", "bars"], // There is no time that they could go over.
    ["draw=pie", "lines"],
  ])("of %j draws %s", (address, want) => expect(showing(address).draw).toBe(want));

  it("hides and isolates series", () => {
    expect(toggled(showing("hide=INFO"), "WARN")).toEqual({ hide: ["INFO", "WARN"], only: null });
    expect(toggled(showing("hide=INFO"), "INFO")).toEqual({ hide: [], only: null });
    expect(isolated(showing("hide=INFO"), "WARN")).toEqual({ only: "WARN", hide: null });
    expect(isolated(showing("only=WARN"), "WARN")).toEqual({ only: null, hide: null });
    expect(toggled(showing("only=WARN"), "INFO")).toEqual({ only: ["WARN", "INFO"], hide: null });
    expect(shown(showing("only=WARN"), "INFO")).toBe(false);
    expect(shown(showing("hide=WARN"), "INFO")).toBe(true);
  });
});

describe("titleOf", () => {
  it("says what is measured", () => {
    expect(titleOf(read("m=count&m=p95:payload.ms&m=uniq:actorId&m=avg&m=max:payload.ms&by=source&by=severity"))).toBe(
      "count; p95, max of payload.ms; distinct actorId by source, severity",
    );
  });
});
