import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Note, Row, ToViewer, Wanted } from "./protocol.ts";
import { bounds, LiveStore } from "./store.ts";
import { range, row } from "./testing.ts";

const wanted: Wanted = { who: "key", headers: {}, query: "" };

/** Line stands for the hub. */
class Line {
  onmessage: (message: ToViewer) => void = () => {};
  onreset = () => {};
  joins: string[] = []; // from which id
  open = 0; // the stream that is joined
  acks = 0;
  join(_: Wanted, from: string): number {
    this.joins.push(from);
    this.open = this.joins.length;
    return this.open;
  }
  leave() {
    this.open = 0;
  }
  ack() {
    this.acks++;
  }
  now() {}
  keep() {
    return () => {};
  }
  batch(rows: Row[], lastId: string, sub = this.open) {
    this.onmessage({ type: "batch", sub, n: 1, lastId, rows });
  }
}

let line: Line;
let store: LiveStore;
let end: () => void;
let paints: number;

beforeEach(() => {
  vi.useFakeTimers();
  line = new Line();
  store = new LiveStore({ link: line, now: () => Date.now(), frame: (run) => setTimeout(run, 16) });
  paints = 0;
  store.subscribe(() => paints++);
  end = store.start(wanted);
});
afterEach(() => {
  end();
  vi.useRealTimers();
});

const pass = (ms = 200) => vi.advanceTimersByTimeAsync(ms);
const numbers = () =>
  range(store.kept.first, store.kept.next)
    .map((n) => store.kept.get(n))
    .filter((one) => typeof one === "string")
    .map((text) => (JSON.parse(text) as { payload: { n: number } }).payload.n);
const rows = (from: number, to: number) => range(from, to).map((n) => row(n));

test("shows what comes, painted at most ten times a second", async () => {
  line.onmessage({ type: "phase", sub: 1, phase: { name: "live", clock: 0 } });
  await pass(20);
  expect(store.screen().phase.name).toBe("live");
  const before = paints;
  for (let i = 0; i < 100; i++) {
    line.batch(rows(20 * i, 20 * i + 20), String(20 * i + 19));
    await pass(10);
  }
  expect(numbers()).toEqual(range(0, 2000));
  expect(paints - before).toBeGreaterThanOrEqual(8);
  expect(paints - before).toBeLessThanOrEqual(10);
  expect(line.acks).toBe(100);
});

test("what comes alone is painted in the next frame", async () => {
  await pass(500);
  line.batch(rows(1, 2), "1");
  await pass(16);
  expect(store.screen().next).toBe(1);
});

test("the rate and the delay", async () => {
  // A server whose clock is ahead.
  line.onmessage({ type: "phase", sub: 1, phase: { name: "live", clock: 5000 } });
  line.batch(rows(0, 200), "199"); // With what is there already.
  await pass(1000);
  expect(store.screen().rate).toBe(0);
  for (let i = 0; i < 50; i++) {
    line.batch(
      range(0, 50).map((n) => row(n, 70 - 5000)),
      "x",
    );
    await pass(100);
  }
  expect(store.screen().rate).toBeGreaterThan(450);
  expect(store.screen().rate).toBeLessThan(550);
  expect(store.screen().delay).toBeGreaterThanOrEqual(70);
  expect(store.screen().delay).toBeLessThan(200);
  await pass(6000);
  expect(store.screen().rate).toBe(0);
});

test("paused, it loses nothing and says how many wait", async () => {
  line.batch(rows(0, 10), "9");
  store.pause();
  line.batch([...rows(10, 15), { kind: "resync", reason: "", from: "" }], "14");
  await pass();
  expect(store.screen()).toMatchObject({ paused: true, waiting: 5, mark: 10, letGo: false });
  store.resume();
  await pass();
  expect(store.screen()).toMatchObject({ paused: false, waiting: 0 });
  expect(numbers()).toEqual(range(0, 15));
});

test("keeps so many of the newest", async () => {
  line.batch(rows(0, bounds.live + 10), "x");
  expect(store.kept.first).toBe(10);
  const large = `{"payload":{"n":1},"x":"${"x".repeat(8 << 20)}"}`;
  line.batch(
    range(0, 10).map(() => large),
    "y",
  );
  expect(store.kept.size).toBeLessThan(10);
  expect(store.kept.bytes).toBeLessThanOrEqual(bounds.bytes);
});

test("a pause that brings more than there is room for gives the connection up, and goes on behind the last id", async () => {
  const { live, paused } = bounds;
  line.batch(rows(0, live), "a");
  store.pause();
  store.reading(live - 20);
  // Rows far above the reader make room first.
  line.batch(rows(live, paused + 10), "b");
  expect(store.kept.first).toBe(10);
  const end = paused + live - 1020 + 1;
  line.batch(rows(paused + 10, end), "c");
  await pass();
  expect(line.open).toBe(0);
  expect(store.screen()).toMatchObject({ letGo: true, waiting: end - live });
  line.batch(rows(-1, 0), "d", 1); // It was under way, and comes again.
  expect(numbers()).toEqual(range(live - 1020, end));

  store.resume();
  expect(line.joins).toEqual(["", "c"]);
  line.batch(rows(end, end + 5), "e");
  await pass();
  expect(store.screen()).toMatchObject({ paused: false, letGo: false });
  expect(numbers()).toEqual(range(end + 5 - paused, end + 5));
  line.batch(rows(end + 5, end + live), "f");
  expect(store.kept.size).toBe(paused);
  line.batch(rows(end + live, end + live + 1), "g");
  expect(store.kept.size).toBe(live);
});

test("who reads on in a full pause gets what follows, without a hole", async () => {
  line.batch(rows(0, 100), "a");
  store.pause();
  store.reading(80);
  line.batch(rows(100, bounds.paused + 100), "b");
  expect(line.open).toBe(0);
  store.reading(2000);
  expect(line.open).toBe(0);
  store.reading(30_000);
  expect(line.joins).toEqual(["", "b"]);
  line.batch(rows(bounds.paused + 100, bounds.paused + 10_000), "c");
  await pass();
  expect(store.screen()).toMatchObject({ paused: true, letGo: false });
  expect(numbers()).toEqual(range(store.kept.first, bounds.paused + 10_000));
  expect(store.kept.first).toBeLessThanOrEqual(29_000);
});

test("dropped, or with another hub, it joins behind its last id; put away, it leaves", async () => {
  line.batch(rows(0, 1), "a");
  line.onmessage({ type: "dropped", sub: 1 });
  line.batch(rows(1, 2), "b");
  line.onreset();
  expect(line.joins).toEqual(["", "a", "b"]);
  store.leave();
  expect(line.open).toBe(0);
  store.back();
  expect(line.joins).toEqual(["", "a", "b", "b"]);
});

test("one lag row for a lag, which tells the latest", async () => {
  const lag = (behind: number): Note => ({ kind: "lag", behind, behindMs: 1, source: "kafka" });
  line.batch([lag(9), lag(8)], "a");
  line.batch([lag(7)], "b");
  line.batch([row(1), lag(3)], "c");
  expect(range(0, store.kept.next).map((n) => store.kept.get(n))).toEqual([lag(7), row(1), lag(3)]);
});

test("events are found by id, and from one to the next, over what is none", () => {
  const note: Note = { kind: "resync", reason: "", from: "" };
  line.batch([row(1), note, row(2), JSON.stringify({ eventId: "e3", correlationId: "e2" })], "a");
  expect(["e1", "e2", "e3", "e4"].map((id) => store.numberOf(id))).toEqual([0, 2, 3, -1]);
  expect(store.after(0, 1)).toBe(2);
  expect(store.after(2, -1)).toBe(0);
  expect([store.after(3, 1), store.after(0, -1)]).toEqual([-1, -1]);
  expect([store.event(0)?.eventId, store.event(1), store.event(9)]).toEqual(["e1", null, null]);
});

test("another filter begins anew", async () => {
  line.batch(rows(0, 3), "a");
  store.pause();
  end();
  end = store.start({ ...wanted, query: "q=y" });
  line.batch(rows(7, 8), "z", 1); // Of the stream before.
  await pass();
  expect(line.joins).toEqual(["", ""]);
  expect(store.screen()).toMatchObject({ paused: false });
  expect(store.kept.size).toBe(0);
});

test("cleared, it goes on with what comes", async () => {
  line.batch(rows(0, 3), "a");
  store.pause();
  line.batch(rows(3, 5), "b");
  store.clear();
  line.batch(rows(5, 6), "c");
  await pass();
  expect(numbers()).toEqual([5]);
  expect(store.screen()).toMatchObject({ paused: true, waiting: 1 });
});
