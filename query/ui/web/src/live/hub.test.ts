import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Hub } from "./hub.ts";
import type { Phase, Row, ToHub, ToTab, Wanted } from "./protocol.ts";
import { control, event, hello, newServer, range, type Server } from "./testing.ts";

let server: Server;
let hub: Hub;

beforeEach(() => {
  server = newServer();
  hub = new Hub(server.world);
});
afterEach(() => {
  vi.useRealTimers();
});

let tabs = 0;

/** Tab is a page with one view, as the hub sees it. */
class Tab {
  rows: Row[] = [];
  lastId = "";
  phase: Phase | undefined;
  dropped = 0;
  pongs = 0;
  life = "";
  receipts = true;
  private sub = 0;
  private hear: ((event: MessageEvent) => void) | null = null;

  constructor(readonly name = `tab ${++tabs}`) {
    const tab = this;
    hub.attach({
      postMessage: (message) => this.take(message as ToTab),
      set onmessage(hear: (event: MessageEvent) => void) {
        tab.hear = hear;
      },
    });
    this.say({ type: "life", name });
  }

  private take(message: ToTab) {
    if (message.type === "pong") this.pongs++;
    if (message.type === "life") this.life = message.name;
    if (message.type === "pong" || message.type === "life" || message.sub !== this.sub) return;
    if (message.type === "phase") this.phase = message.phase;
    if (message.type === "dropped") this.dropped++;
    if (message.type !== "batch") return;
    this.rows.push(...message.rows);
    this.lastId = message.lastId || this.lastId;
    // As between a page and a worker, the answer comes later.
    if (this.receipts) queueMicrotask(() => this.say({ type: "ack", sub: message.sub, n: message.n }));
  }

  say(message: ToHub) {
    this.hear?.({ data: message } as MessageEvent);
  }

  join(query: string, { from = "", who = "key", limit = 4 } = {}): this {
    const wanted: Wanted = { who, headers: {}, query };
    this.say({ type: "join", sub: ++this.sub, wanted, from, limit });
    return this;
  }

  leave() {
    this.say({ type: "leave", sub: this.sub });
  }

  crash() {
    server.lives.get(this.name)?.();
  }

  get numbers(): number[] {
    return this.rows
      .filter((row) => typeof row === "string")
      .map((row) => (JSON.parse(row) as { payload: { n: number } }).payload.n);
  }
}

const open = () => server.connections.filter((connection) => !connection.gone);
const of = (query: string) => open().filter((connection) => connection.path.includes(query));

test("tabs of the same filter share a connection, which ends with the last of them", async () => {
  const tabs = [new Tab().join("q=a"), new Tab().join("q=a"), new Tab().join("q=b")];
  await server.pass(0);
  expect(open()).toHaveLength(2);
  of("q=a")[0]?.send(hello() + event(1));
  await server.pass(40);
  expect(tabs.map((tab) => tab.numbers)).toEqual([[1], [1], []]);
  expect(tabs.map((tab) => tab.phase?.name)).toEqual(["live", "live", "connecting"]);
  tabs[0]?.leave();
  await server.pass(0);
  expect(of("q=a")).toHaveLength(1);
  tabs[1]?.crash();
  await server.pass(0);
  expect(of("q=a")).toHaveLength(0);
});

test("tabs are told the name of the hub's life, those that come later as well", () => {
  const first = new Tab().join("q=a");
  hub.lives("hub");
  const second = new Tab();
  expect([first.life, second.life]).toEqual(["hub", "hub"]);
});

test("another session's events are never handed on", async () => {
  const first = new Tab().join("q=a", { who: "one" });
  await server.pass(0);
  open()[0]?.send(hello() + event(1));
  await server.pass(40);
  const second = new Tab().join("q=a", { who: "another" });
  await server.pass(0);
  expect(first.numbers).toEqual([1]);
  expect(second.numbers).toEqual([]);
  expect(open()).toHaveLength(2);
});

test("a tab that comes later begins with the newest events and misses none after", async () => {
  const first = new Tab().join("q=a");
  await server.pass(0);
  open()[0]?.send(
    hello() +
      range(1, 301)
        .map((n) => event(n))
        .join(""),
  );
  await server.pass(40);
  open()[0]?.send(event(301)); // Under way when the second comes.
  const second = new Tab().join("q=a");
  await server.pass(40);
  expect(open()).toHaveLength(1);
  expect(first.numbers).toEqual(range(1, 302));
  expect(second.numbers).toEqual(range(101, 302));
  expect(second.lastId).toBe("301");
});

test("a tab that comes back joins behind its id, where the stream remembers it", async () => {
  new Tab().join("q=a");
  const tab = new Tab().join("q=a");
  await server.pass(0);
  open()[0]?.send(hello() + event(1) + event(2));
  await server.pass(40);
  tab.leave();
  open()[0]?.send(event(3) + control("checkpoint", {}, "3b"));
  await server.pass(40);
  tab.join("q=a", { from: tab.lastId });
  expect(tab.numbers).toEqual([1, 2, 3]);
  tab.leave();
  open()[0]?.send(event(4));
  await server.pass(40);
  tab.join("q=a", { from: "3b" });
  await server.pass(0);
  expect(tab.numbers).toEqual([1, 2, 3, 4]);
  expect(open()).toHaveLength(1);
});

test("a tab that was away for long catches up on a connection of its own, until it meets the others", async () => {
  const first = new Tab().join("q=a");
  await server.pass(0);
  open()[0]?.send(hello() + event(9000));
  await server.pass(40);
  const back = new Tab().join("q=a", { from: "5" });
  await server.pass(0);
  expect(open()).toHaveLength(2);
  const own = open()[1];
  expect(own?.headers["Last-Event-ID"]).toBe("5");
  own?.send(
    hello("kafka", "5") +
      range(6, 8998)
        .map((n) => event(n, 99_000))
        .join(""),
  );
  await server.pass(40);
  open()[0]?.send(
    range(9001, 9010)
      .map((n) => event(n))
      .join(""),
  );
  await server.pass(40);
  expect(back.phase?.name).toBe("catching-up");
  own?.send(
    range(8998, 9006)
      .map((n) => event(n))
      .join(""),
  );
  await server.pass(40);
  expect(open()).toHaveLength(1);
  expect(own?.gone).toBe(true);
  expect(back.phase?.name).toBe("live");
  open()[0]?.send(event(9010));
  await server.pass(40);
  expect(back.numbers).toEqual(range(6, 9011));
  expect(first.numbers).toEqual(range(9000, 9011));
});

test("of two streams of a filter, the one that is behind ends, whichever is the older", async () => {
  const first = new Tab().join("q=a");
  await server.pass(0);
  open()[0]?.send(hello() + event(1));
  await server.pass(40);
  const second = new Tab().join("q=a", { from: "0" });
  await server.pass(0);
  const [old, young] = open();
  young?.send(
    hello("ring", "0") +
      range(2, 8)
        .map((n) => event(n))
        .join(""),
  );
  await server.pass(40);
  expect(open()).toHaveLength(2);
  old?.send(event(2) + event(3));
  await server.pass(40);
  expect(open()).toEqual([young]);
  young?.send(event(8));
  await server.pass(40);
  expect(first.numbers).toEqual(range(1, 9));
  expect(second.numbers).toEqual(range(2, 9));
});

test("over its limit of streams it says so, and goes on when there is room", async () => {
  const tabs = ["a", "b", "c", "d"].map((q) => new Tab().join(`q=${q}`));
  const fifth = new Tab().join("q=e");
  const shares = new Tab().join("q=d");
  await server.pass(0);
  expect(open()).toHaveLength(4);
  expect(fifth.phase).toEqual({ name: "full", limit: 4 });
  expect(shares.phase?.name).toBe("connecting");
  tabs[0]?.leave();
  await server.pass(0);
  expect(of("q=e")).toHaveLength(1);
  of("q=e")[0]?.send(hello() + event(1));
  await server.pass(40);
  expect(fifth.phase?.name).toBe("live");
  expect(fifth.numbers).toEqual([1]);
  expect(open()).toHaveLength(4);
});

test("a stream that was refused takes no connection, and is asked for again by who comes", async () => {
  server.answers = [new Response("{}", { status: 401 })];
  const first = new Tab().join("q=a", { limit: 1 });
  await server.pass(0);
  expect(first.phase).toMatchObject({ name: "refused", refusal: { status: 401 } });
  const other = new Tab().join("q=b", { limit: 1 });
  await server.pass(0);
  expect(of("q=b")).toHaveLength(1);
  other.leave();
  const second = new Tab().join("q=a", { limit: 1 });
  await server.pass(0);
  of("q=a")[0]?.send(hello() + event(1));
  await server.pass(40);
  expect(first.numbers).toEqual([1]);
  expect(second.numbers).toEqual([1]);
});

const mebi = `"${"x".repeat(1 << 20)}"`;
const large = (n: number) => `id: ${n}\ndata: {"payload":{"n":${n}},"x":${mebi}}\n\n`;

test("a tab alone that doesn't keep up holds its stream back", async () => {
  const tab = new Tab().join("q=a");
  tab.receipts = false;
  await server.pass(0);
  const [connection] = open();
  connection?.send(hello());
  for (const n of range(1, 40)) {
    connection?.send(large(n));
    await server.pass(40);
  }
  expect(tab.numbers.length).toBeLessThan(8);
  tab.receipts = true;
  tab.say({ type: "ack", sub: 1, n: 1000 });
  await server.pass(1000);
  expect(tab.numbers).toEqual(range(1, 40));
  expect(tab.dropped).toBe(0);
});

test("among others it is dropped, and loses nothing when it comes back", async () => {
  const quick = new Tab().join("q=a");
  const slow = new Tab().join("q=a");
  slow.receipts = false;
  await server.pass(0);
  const [connection] = open();
  connection?.send(hello());
  for (const n of range(1, 50)) {
    connection?.send(large(n));
    await server.pass(40);
  }
  expect(quick.numbers).toEqual(range(1, 50));
  expect(slow.dropped).toBe(1);
  expect(slow.numbers.length).toBeLessThan(35);
  slow.receipts = true;
  slow.join("q=a", { from: slow.lastId });
  await server.pass(0);
  const own = open()[1];
  expect(own?.headers["Last-Event-ID"]).toBe(slow.lastId);
  own?.send(hello("ring", slow.lastId));
  connection?.send(large(50));
  for (let n = Number(slow.lastId) + 1; own?.gone === false; n++) {
    own.send(large(n));
    await server.pass(40);
  }
  expect(open()).toHaveLength(1);
  expect(slow.numbers).toEqual(range(1, 51));
});

test("a tab that is silent for long is taken for gone", async () => {
  const silent = new Tab().join("q=a");
  const pinging = new Tab().join("q=b");
  await server.pass(0);
  for (const connection of open()) connection.send(hello());
  for (let quarters = 0; quarters < 16; quarters++) {
    await server.pass(15_000);
    for (const connection of open()) connection.send(": hb\n\n");
    if (quarters % 4 === 0) pinging.say({ type: "ping" });
  }
  expect(silent.dropped).toBe(1);
  expect(pinging.dropped).toBe(0);
  expect(pinging.pongs).toBe(4);
  expect(of("q=a")).toHaveLength(0);
  expect(of("q=b")).toHaveLength(1);
});
