import type { Phase, Refusal, Row } from "./protocol.ts";
import { type Frame, SSEParser } from "./sse.ts";

/** How many of the newest events a stream begins with, so that nobody looks at an empty page. */
export const tail = 200;

/** What comes is handed on so often, in one piece: events one by one would keep every tab busy. */
const handOn = 30;

/** The longest wait between two attempts, unless the server asks for more. */
const maxWait = 30_000;

/** How long a connection may be silent before its hello has said how often to expect something. */
const firstSilence = 30_000;

/** A stream that has told nothing of a lag for so long has none: it is told every 5 s. */
const lagEnds = 7_000;

/** Events that are so young are live ones. */
const young = 2_000;

/** Item is a place in the stream and what came there, if anything did. */
export interface Item {
  id: string;
  row: Row | null;
}

/** What the reader needs of the world. */
export interface World {
  fetch(path: string, init: RequestInit): Promise<Response>;
  now(): number;
  random(): number; // from 0 to 1
  online(): boolean;
  /** Calls back when the page that has told this name of its life has ended. */
  whenEnded(name: string, then: () => void): void;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** Who gets what comes. */
export interface Sink {
  items(items: Item[]): void;
  phase(phase: Phase): void;
  /** Resolves when there is room for more; undefined where there is. */
  room(): Promise<void> | undefined;
}

export interface Request {
  query: string;
  headers: Record<string, string>;
}

/** How a connection ended. */
interface End {
  why: string;
  wait?: number; // until the next one, as the server asks, in milliseconds
  least?: number; // to wait, be the back-off shorter
  refusal?: Refusal;
}

/**
 * Reader follows one stream over all its connections: when one ends it goes on behind the last id, so that each
 * event comes once. It ends only when it is stopped, or when the server refuses what it asks for.
 */
export class Reader {
  phase: Phase = { name: "connecting" };

  private stopped = false;
  private abort = new AbortController();
  private wake: (() => void) | undefined; // ends the wait between two connections
  private waiting: unknown; // the timer of handing on
  private pending: Item[] = [];
  private handedOn = Number.NEGATIVE_INFINITY;
  private retry: number | undefined;
  private failures = 0; // connections in a row that brought nothing
  private clock = 0;
  private lagged = 0; // when a lag was last heard of
  private told: End | undefined; // what the server said about the end

  constructor(
    private readonly world: World,
    private readonly request: Request,
    private lastId: string,
    private readonly sink: Sink,
  ) {
    void this.run();
  }

  stop() {
    this.stopped = true;
    this.abort.abort();
    this.world.clearTimeout(this.waiting);
    this.wake?.();
  }

  /** now ends a wait for the next attempt. */
  now() {
    this.wake?.();
  }

  private async run() {
    while (!this.stopped) {
      this.say({ name: "connecting" });
      this.failures++;
      this.told = undefined;
      const end = await this.connect();
      if (this.stopped) return;
      this.flush();
      if (end.refusal) {
        this.stopped = true;
        this.say({ name: "refused", refusal: end.refusal });
        return;
      }
      await this.pause(end);
    }
  }

  private say(phase: Phase) {
    if (this.stopped && phase.name !== "refused") return;
    this.phase = phase;
    this.sink.phase(phase);
  }

  private async pause(end: End) {
    const wait = end.wait ?? Math.max(this.backOff(), end.least ?? 0);
    if (this.world.online()) this.say({ name: "waiting", until: this.world.now() + wait, why: end.why });
    else this.say({ name: "offline" });
    await new Promise<void>((done) => {
      const timer = this.world.setTimeout(done, wait);
      this.wake = () => {
        this.world.clearTimeout(timer);
        done();
      };
    });
    this.wake = undefined;
  }

  /** backOff is what the server asked for, and longer the more often it failed; less a random part, so that pages spread. */
  private backOff(): number {
    const least = this.retry ?? 1000;
    const wait = Math.min(least * 2 ** Math.max(0, Math.min(this.failures - 1, 8)), Math.max(maxWait, least));
    return wait * (1 - this.world.random() / 4);
  }

  /** connect follows one connection to its end. */
  private async connect(): Promise<End> {
    const abort = new AbortController();
    this.abort = abort;
    const watch = new Watchdog(this.world, () => abort.abort());
    try {
      const response = await this.world.fetch(this.path(), {
        headers: {
          ...this.request.headers,
          Accept: "text/event-stream",
          ...(this.lastId ? { "Last-Event-ID": this.lastId } : {}),
        },
        credentials: "same-origin",
        cache: "no-store",
        signal: abort.signal,
      });
      if (!response.ok) return await refused(response);
      if (!response.headers.get("Content-Type")?.startsWith("text/event-stream") || !response.body)
        return { why: "something between this page and Daybook answered instead of it" };
      await this.read(response.body, watch);
      return this.told ?? { why: "the server ended the connection" };
    } catch (error) {
      if (this.told) return this.told;
      if (watch.barked) return { why: "nothing came for too long" };
      if (!(error instanceof TypeError)) return { why: String(error) };
      return { why: this.failures === 0 ? "the connection was cut" : "Daybook can't be reached" };
    } finally {
      abort.abort();
      watch.stop();
    }
  }

  private path(): string {
    const query = new URLSearchParams(this.request.query);
    if (!this.lastId) query.set("tail", String(tail));
    return `/api/v1/events/stream?${query}`;
  }

  private async read(body: ReadableStream<Uint8Array>, watch: Watchdog) {
    const parser = new SSEParser();
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.stopped) return;
      watch.heard();
      for (const frame of parser.push(value)) this.take(frame, watch);
      this.retry = parser.retry ?? this.retry;
      if (parser.lastId) this.lastId = parser.lastId;
      this.schedule();
      const room = this.sink.room();
      if (room) {
        watch.sleep();
        await room;
        watch.heard();
      }
    }
  }

  private take(frame: Frame, watch: Watchdog) {
    this.failures = 0;
    if (frame.name === "message") {
      this.pending.push({ id: frame.id, row: narrow(frame.data) });
      return;
    }
    const members = membersOf(frame.data);
    const number = (name: string) => (typeof members[name] === "number" ? members[name] : 0);
    const text = (name: string) => (typeof members[name] === "string" ? members[name] : "");
    let row: Row | null = null;
    switch (frame.name) {
      case "hello": {
        watch.expect(number("heartbeatMs"));
        const server = Date.parse(text("serverTime"));
        this.clock = Number.isNaN(server) ? 0 : server - this.world.now();
        const mode = text("mode");
        if (mode === "kafka" || mode === "store") this.behind(null, null, mode);
        else this.say({ name: "live", clock: this.clock });
        break;
      }
      case "lag":
        row = { kind: "lag", behind: number("behind"), behindMs: number("behindMs"), source: text("mode") };
        this.behind(row.behind, row.behindMs, row.source);
        break;
      case "gap":
        row = {
          kind: "gap",
          reason: text("reason"),
          missing: number("missing") + number("missingAtMost"),
          atMost: "missingAtMost" in members,
          after: text("after"),
          partitions: Array.isArray(members["partitions"]) ? members["partitions"] : [],
        };
        break;
      case "resync":
        row = { kind: "resync", reason: text("reason"), from: text("from") };
        break;
      case "error":
        this.told = { why: text("detail") || "the server had to end the stream" };
        break;
      case "bye": {
        const reason = text("reason");
        this.told = {
          why: this.told?.why ?? farewells[reason] ?? `the server ended the stream (${reason})`,
          // Whoever was signed out shall know at once.
          wait: reason === "revoked" ? 0 : number("reconnectInMs"),
        };
        break;
      }
    }
    if (row || frame.id) this.pending.push({ id: frame.id, row });
  }

  private behind(behind: number | null, behindMs: number | null, source: string) {
    this.lagged = this.world.now();
    this.say({ name: "catching-up", clock: this.clock, behind, behindMs, source });
    this.world.setTimeout(() => this.arrive(false), lagEnds);
  }

  /** arrive makes a stream that catches up a live one, once it has. */
  private arrive(caughtUp: boolean) {
    if (this.phase.name === "catching-up" && (caughtUp || this.world.now() - this.lagged >= lagEnds))
      this.say({ name: "live", clock: this.clock });
  }

  /** schedule hands on what has come, now or soon. */
  private schedule() {
    if (this.pending.length === 0 || this.waiting !== undefined) return;
    const due = this.handedOn + handOn - this.world.now();
    if (due <= 0) this.flush();
    else this.waiting = this.world.setTimeout(() => this.flush(), due);
  }

  private flush() {
    this.world.clearTimeout(this.waiting);
    this.waiting = undefined;
    if (this.stopped || this.pending.length === 0) return;
    const items = this.pending;
    this.pending = [];
    this.handedOn = this.world.now();
    this.sink.items(items);
    if (this.phase.name === "catching-up") this.arrive(this.isYoung(items));
  }

  private isYoung(items: Item[]): boolean {
    const last = items.findLast((item) => typeof item.row === "string")?.row;
    if (typeof last !== "string") return false;
    const at = Date.parse(String(membersOf(last)["ingestedAt"]));
    return this.world.now() + this.clock - at < young;
  }
}

const farewells: Record<string, string> = {
  shutdown: "the server is being stopped or restarted",
  age: "the server asks for a fresh connection now and then",
  revoked: "the session or its key has ended",
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * narrow returns the same text in one byte a character where that is enough for it. What was cut out of a longer text
 * takes two as soon as any of that does, and pages keep many events.
 */
function narrow(text: string): string {
  return /[^\x20-\x7e]/.test(text) ? text : decoder.decode(encoder.encode(text));
}

function membersOf(data: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data);
    return value !== null && typeof value === "object" ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** refused reads an answer that is no stream: final where asking again would not help. */
async function refused(response: Response): Promise<End> {
  const body = (await response.json().catch(() => ({}))) as Refusal["body"];
  const why = body.detail ?? body.title ?? `the server answered ${response.status}`;
  const passing = response.status >= 500 || [408, 425, 429].includes(response.status);
  if (!passing) return { why, refusal: { status: response.status, body } };
  const after = Number(response.headers.get("Retry-After"));
  return after > 0 ? { why, least: after * 1000 } : { why };
}

/** Watchdog ends a connection on which nothing comes, not even heartbeats: whoever is at its other end has vanished. */
class Watchdog {
  barked = false;
  private silence = firstSilence;
  private last: number;
  private asleep = false;
  private timer: unknown;

  constructor(
    private readonly world: World,
    private readonly bark: () => void,
  ) {
    this.last = world.now();
    this.watch();
  }

  /** expect takes how often something comes: two and a half times that is silence. */
  expect(heartbeat: number) {
    if (heartbeat > 0) this.silence = heartbeat * 2.5;
  }

  heard() {
    this.asleep = false;
    this.last = this.world.now();
  }

  /** sleep: nobody reads at the moment. */
  sleep() {
    this.asleep = true;
  }

  stop() {
    this.world.clearTimeout(this.timer);
  }

  private watch() {
    const left = this.last + this.silence - this.world.now();
    if (left <= 0 && !this.asleep) {
      this.barked = true;
      this.bark();
      return;
    }
    this.timer = this.world.setTimeout(() => this.watch(), Math.max(left, 1000));
  }
}
