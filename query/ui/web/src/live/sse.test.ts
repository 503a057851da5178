import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SSEParser } from "./sse.ts";

interface Vector {
  name: string;
  stream?: string;
  bytes?: string; // base64
  want: string[];
  lastId?: string;
  retryMs?: number;
}

// What the Go client is held to as well.
const vectors: Vector[] = JSON.parse(
  readFileSync(new URL("../../../../../pkg/client/ssetest/vectors.json", import.meta.url), "utf8"),
);

/** The same numbers each time. */
function dice(seed: number) {
  let state = seed + 1;
  return (n: number) => {
    state = (state * 48271) % 2147483647;
    return state % n;
  };
}

const ways: Record<string, (left: number) => number> = { whole: (left) => left, "byte by byte": () => 1 };
for (let seed = 0; seed < 20; seed++) {
  const roll = dice(seed);
  ways[`split ${seed}`] = (left) => 1 + roll(left);
}

test.each(vectors)("$name", ({ stream, bytes, want, lastId, retryMs }) => {
  const all = bytes ? Buffer.from(bytes, "base64") : Buffer.from(stream ?? "");
  for (const [way, size] of Object.entries(ways)) {
    const parser = new SSEParser();
    const got: string[] = [];
    for (let at = 0; at < all.length; ) {
      const end = at + size(all.length - at);
      for (const frame of parser.push(all.subarray(at, end))) got.push(`${frame.name}|${frame.id}|${frame.data}`);
      at = end;
    }
    expect(got, way).toEqual(want);
    expect(parser.lastId, way).toBe(lastId ?? "");
    expect(parser.retry, way).toBe(retryMs);
  }
});
