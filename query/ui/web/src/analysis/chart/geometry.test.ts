import { describe, expect, it } from "vitest";
import { bucketAt, heightOf, isolatedAt, spread, stacked, sumBefore } from "./geometry.ts";
import { type Drawn, lookAt } from "./look.ts";

const drawn = (values: (number | null)[], before: (number | null)[] | null = null) => ({ values, before }) as Drawn;

describe("stacked", () => {
  it("puts series on each other, and what is below zero below it", () => {
    expect(stacked([drawn([1, null, 2]), drawn([3, -1, 0]), drawn([-2, -1, 5])], 3)).toEqual([
      [
        { series: 0, from: 0, to: 1 },
        { series: 1, from: 1, to: 4 },
        { series: 2, from: 0, to: -2 },
      ],
      [
        { series: 1, from: 0, to: -1 },
        { series: 2, from: -1, to: -2 },
      ],
      [
        { series: 0, from: 0, to: 2 },
        { series: 2, from: 2, to: 7 },
      ],
    ]);
  });
});

describe("sumBefore", () => {
  it("is of what there was", () => {
    expect(sumBefore([drawn([], [1, null]), drawn([], [2, null]), drawn([])], 2)).toEqual([3, null]);
  });
});

describe("heightOf", () => {
  it.each([
    [[], [0, 1]],
    [
      [null, 0],
      [0, 1],
    ],
    [
      [50, 100],
      [0, 106],
    ],
    [
      [-100, null],
      [-106, 0],
    ],
  ])("%j", (values, want) => expect(heightOf(values)).toEqual(want));
});

describe("bucketAt", () => {
  const buckets = [0, 10, 31].map((start) => ({ start, end: 0, counted: { from: 0, to: 0 } }));
  it.each([
    [-5, 0],
    [9, 0],
    [10, 1],
    [30, 1],
    [31, 2],
    [99, 2],
  ])("%d", (at, want) => expect(bucketAt(buckets, at)).toBe(want));
});

describe("isolatedAt", () => {
  it("is where neither neighbour has a value", () => {
    expect([0, 1, 2, 3, 4].map((at) => isolatedAt([1, null, 1, null, null], at))).toEqual([
      true,
      false,
      true,
      false,
      true,
    ]);
    expect(isolatedAt([1, 2], 0)).toBe(false);
  });
});

describe("spread", () => {
  it("moves labels apart within their bounds", () => {
    expect(spread([50, 10, 52], 14, 0, 100)).toEqual([50, 10, 64]);
    expect(spread([99, 98], 14, 0, 100)).toEqual([100, 86]);
    expect(spread([-5, 0], 14, 0, 100)).toEqual([0, 14]);
  });
});

describe("lookAt", () => {
  it("is another one for each of 64 series", () => {
    const looks = Array.from({ length: 64 }, (_, n) => JSON.stringify(lookAt(n)));
    expect(new Set(looks).size).toBe(64);
  });
});
