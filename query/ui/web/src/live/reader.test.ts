import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Phase } from "./protocol.ts";
import { type Item, Reader } from "./reader.ts";
import { control, event, hello, newServer, range, type Server } from "./testing.ts";

let server: Server;
let items: Item[];
let batches: number;
let phases: Phase[];
let room: Promise<void> | undefined;
let reader: Reader;

function read(from = "") {
  items = [];
  batches = 0;
  phases = [];
  room = undefined;
  reader = new Reader(server.world, { query: "q=x", headers: { "X-Tenant-Id": "t" } }, from, {
    items: (more) => {
      batches++;
      items.push(...more);
    },
    phase: (phase) => phases.push(phase),
    room: () => room,
  });
}

const numbers = () => items.filter((item) => typeof item.row === "string").map((item) => Number(item.id));
const last = () => server.connections.at(-1) as (typeof server.connections)[number];
const phase = () => phases.at(-1);

beforeEach(() => {
  server = newServer();
});
afterEach(() => {
  reader.stop();
  vi.useRealTimers();
});

test("begins with the newest events, and goes on behind the last id", async () => {
  read();
  await server.pass(0);
  expect(last().path).toBe("/api/v1/events/stream?q=x&tail=200");
  expect(last().headers).toEqual({ Accept: "text/event-stream", "X-Tenant-Id": "t" });
  last().send(hello("live", "") + event(1) + event(2));
  await server.pass(40);
  expect(phase()).toEqual({ name: "live", clock: 0 });
  expect(numbers()).toEqual([1, 2]);

  // What is cut off within a frame was not there: it comes again.
  last().send(event(3) + event(4).slice(0, -1));
  last().cut();
  await server.pass(0);
  expect(phase()).toEqual({ name: "waiting", until: Date.now() + 2000, why: "the connection was cut" });
  await server.pass(1999);
  expect(server.connections).toHaveLength(1);
  await server.pass(1);
  expect(last().path).toBe("/api/v1/events/stream?q=x");
  expect(last().headers["Last-Event-ID"]).toBe("3");
  last().send(hello() + event(4));
  await server.pass(40);
  expect(numbers()).toEqual([1, 2, 3, 4]);
});

test("an id that comes with no event is gone on behind as well", async () => {
  read("7");
  await server.pass(0);
  expect(last().headers["Last-Event-ID"]).toBe("7");
  last().send(hello("live", "7") + control("checkpoint", { time: "2026-04-17T14:32:01Z" }, "9"));
  await server.pass(40);
  expect(items).toEqual([
    { id: "7", row: null },
    { id: "9", row: null },
  ]);
  last().end();
  await server.pass(2000);
  expect(last().headers["Last-Event-ID"]).toBe("9");
});

test("what comes close together is handed on together, what comes alone at once", async () => {
  read();
  await server.pass(0);
  last().send(hello());
  await server.pass(1000);
  const before = batches;
  last().send(event(1));
  await server.pass(0);
  expect(batches).toBe(before + 1);
  for (const n of range(2, 20)) {
    last().send(event(n));
    await server.pass(1);
  }
  expect(batches).toBe(before + 1);
  await server.pass(30);
  expect(batches).toBe(before + 2);
  expect(numbers()).toEqual(range(1, 20));
});

test("waits longer the more often it fails, and not when it is told to go on", async () => {
  server.answers = Array.from({ length: 8 }, () => "unreachable" as const);
  read();
  const waits: number[] = [];
  for (let i = 0; i < 7; i++) {
    await server.pass(0);
    const now = phase();
    if (now?.name !== "waiting") throw new Error(`${now?.name}`);
    expect(now.why).toBe("Daybook can't be reached");
    waits.push(now.until - Date.now());
    await server.pass(now.until - Date.now());
  }
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  expect(server.answers).toHaveLength(0);
  expect(server.connections).toHaveLength(0);
  reader.now();
  await server.pass(0);
  expect(server.connections).toHaveLength(1);
});

test("says that it is offline", async () => {
  server.answers = ["unreachable"];
  server.online = false;
  read();
  await server.pass(0);
  expect(phase()).toEqual({ name: "offline" });
});

test.each([
  ["shutdown", "the server is being stopped or restarted", 3456],
  ["age", "the server asks for a fresh connection now and then", 3456],
  ["revoked", "the session or its key has ended", 0],
])("bye: %s", async (reason, why, wait) => {
  read();
  await server.pass(0);
  last().send(hello() + event(1) + control("bye", { reason, reconnectInMs: 3456 }, "1"));
  last().end();
  await server.pass(0);
  expect(phases).toContainEqual({ name: "waiting", until: Date.now() + wait, why });
  await server.pass(wait);
  expect(server.connections).toHaveLength(2);
});

test("a limit of the server's is told in its words", async () => {
  read();
  await server.pass(0);
  last().send(control("error", { type: "too-many", detail: "there are 2 open streams already" }));
  last().send(control("bye", { reason: "limit", reconnectInMs: 12_000 }));
  last().end();
  await server.pass(0);
  expect(phase()).toEqual({ name: "waiting", until: Date.now() + 12_000, why: "there are 2 open streams already" });
});

test("what is refused is not asked for again; what may pass is, when the server says so", async () => {
  const body = { title: "wrong", detail: "q: …", errors: [{ field: "q", message: "…", position: 3 }] };
  server.answers = [
    new Response("{}", { status: 503, headers: { "Retry-After": "5" } }),
    new Response(JSON.stringify(body), { status: 400 }),
  ];
  read();
  await server.pass(0);
  expect(phase()).toEqual({ name: "waiting", until: Date.now() + 5000, why: "the server answered 503" });
  await server.pass(5000);
  expect(phase()).toEqual({ name: "refused", refusal: { status: 400, body } });
  await server.pass(100_000);
  expect(server.connections).toHaveLength(0);
});

test("silence ends a connection", async () => {
  read();
  await server.pass(0);
  last().send(hello() + event(1));
  for (let i = 0; i < 10; i++) {
    await server.pass(15_000);
    last().send(": hb 1\n\n");
  }
  await server.pass(20_000);
  expect(server.connections).toHaveLength(1);
  await server.pass(30_000);
  expect(server.connections[0]?.gone).toBe(true);
  expect(phases).toContainEqual(expect.objectContaining({ name: "waiting", why: "nothing came for too long" }));
});

test("gap, lag and resync are rows", async () => {
  read();
  await server.pass(0);
  const partitions = [{ partition: 0, from: 8, to: 12 }];
  last().send(
    hello("kafka") +
      control("lag", { mode: "store", behind: 12, behindMs: 3000 }, "1") +
      control("gap", { reason: "retention", missing: 4, after: "2026-04-17T14:32:01Z", partitions }, "2") +
      control("gap", { reason: "retention", missingAtMost: 7, after: "", partitions: [] }, "3") +
      control("resync", { reason: "the topic was made anew", from: "2026-04-17T14:31:01Z" }, "4"),
  );
  await server.pass(40);
  expect(items.slice(1).map((item) => item.row)).toEqual([
    { kind: "lag", behind: 12, behindMs: 3000, source: "store" },
    { kind: "gap", reason: "retention", missing: 4, atMost: false, after: "2026-04-17T14:32:01Z", partitions },
    { kind: "gap", reason: "retention", missing: 7, atMost: true, after: "", partitions: [] },
    { kind: "resync", reason: "the topic was made anew", from: "2026-04-17T14:31:01Z" },
  ]);
});

test("catches up until events are young, or no lag is told of any more", async () => {
  read("1");
  await server.pass(0);
  last().send(hello("kafka") + event(2, 60_000));
  await server.pass(40);
  expect(phase()).toEqual({ name: "catching-up", clock: 0, behind: null, behindMs: null, source: "kafka" });
  await server.pass(5000);
  last().send(control("lag", { mode: "kafka", behind: 3, behindMs: 9000 }, "2"));
  await server.pass(5000);
  expect(phase()).toMatchObject({ name: "catching-up", behind: 3 });
  last().send(event(3, 1000));
  await server.pass(40);
  expect(phase()?.name).toBe("live");
  last().send(control("lag", { mode: "kafka", behind: 3, behindMs: 9000 }, "3"));
  await server.pass(6900);
  expect(phase()?.name).toBe("catching-up");
  await server.pass(200);
  expect(phase()?.name).toBe("live");
});

test("reads no further while there is no room, and takes that for no silence", async () => {
  read();
  await server.pass(0);
  let open = () => {};
  room = new Promise((done) => {
    open = done;
  });
  last().send(hello() + event(1));
  await server.pass(40);
  last().send(event(2));
  await server.pass(200_000);
  expect(numbers()).toEqual([1]);
  room = undefined;
  open();
  await server.pass(40);
  expect(numbers()).toEqual([1, 2]);
  expect(server.connections).toHaveLength(1);
});

test("stopped, it is silent", async () => {
  read();
  await server.pass(0);
  last().send(hello() + event(1));
  await server.pass(0);
  const said = phases.length;
  reader.stop();
  await server.pass(100_000);
  expect(last().gone).toBe(true);
  expect(server.connections).toHaveLength(1);
  expect(phases).toHaveLength(said);
});
