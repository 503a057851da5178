import { describe, expect, it } from "vitest";
import { Problem } from "../api/client.ts";
import { faultOf, forFilterBar, measureFault, ready, requestOf } from "./request.ts";
import { analysisOf } from "./state.ts";

const read = (text: string) => analysisOf(new URLSearchParams(text));
const filter = { q: "card declined", from: "now-7d", to: "", tz: "Europe/Prague", preset: "", include: "" };

describe("requestOf", () => {
  it("asks for the example", () => {
    expect(requestOf({ ...filter, q: "" }, read(""))).toEqual({
      filter: {},
      from: "now-7d",
      to: "now",
      timezone: "Europe/Prague",
      bucket: "auto",
      groupBy: ["severity"],
      metrics: [{ op: "count" }],
      top: { k: 10, by: 0, other: true },
      fill: "none",
    });
  });
  it("says everything that is chosen", () => {
    const asked = read("m=count&m=p95:payload.ms&by=source&bucket=none&top=5&rank=1&other=no&vs=previous");
    expect(requestOf({ ...filter, from: "", to: "now/d", preset: "p1" }, asked)).toEqual({
      filter: { q: "card declined", preset: "p1" },
      to: "now/d",
      timezone: "Europe/Prague",
      bucket: null,
      groupBy: ["source"],
      metrics: [{ op: "count" }, { op: "p95", field: "payload.ms" }],
      top: { k: 5, by: 1, other: false },
      fill: "none",
      compare: "previous",
    });
  });
  it("asks for no top where nothing is grouped", () => {
    expect(requestOf(filter, read("m=count"))).not.toHaveProperty("top");
  });
});

describe("ready", () => {
  it("leaves out what lacks its field, and ranks by the same measure", () => {
    expect(ready(read("m=avg&m=count&m=sum:payload.n&rank=2"))).toMatchObject({
      measures: [
        { op: "count", field: "" },
        { op: "sum", field: "payload.n" },
      ],
      rank: 1,
    });
    expect(ready(read("m=avg&m=count&rank=0"))?.rank).toBe(0);
    expect(ready(read("m=avg"))).toBeNull();
  });
});

describe("faults", () => {
  const problem = (field: string) =>
    new Problem(400, { detail: "wrong", errors: [{ field, message: "is wrong", position: 3 }] });
  it("are found at their field", () => {
    expect(faultOf(problem("groupBy"), "groupBy")?.message).toBe("is wrong");
    expect(faultOf(problem("groupBy"), "bucket")).toBeUndefined();
    expect(faultOf(new Error("x"), "groupBy")).toBeUndefined();
  });
  it("are those of the measures that were sent", () => {
    const asked = read("m=avg&m=count&m=sum:payload.n");
    expect(measureFault(problem("metrics[1]"), asked, 2)?.message).toBe("is wrong");
    expect(measureFault(problem("metrics[1]"), asked, 1)).toBeUndefined();
    expect(measureFault(problem("metrics[0]"), asked, 0)).toBeUndefined();
  });
  it("of the filter are named as in other calls", () => {
    const named = forFilterBar(problem("filter.q")) as Problem;
    expect(named.of("q")?.position).toBe(3);
    expect(named.message).toBe("wrong");
  });
});
