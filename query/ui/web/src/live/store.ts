import type { Event } from "../api/types.ts";
import { Kept } from "./kept.ts";
import type { Phase, ToViewer, Wanted } from "./protocol.ts";

/**
 * What the page keeps at most: so many rows while it is live, and so many while it is paused, when nothing is painted
 * and what came is yet to be read. The browser's process takes some four times as much as what is kept live.
 */
export const bounds = { live: 20_000, paused: 50_000, bytes: 96 << 20 };

/** Rows above the one that is read at the top, which stay for scrolling up a little further. */
const above = 1_000;

/** New rows are painted so often at most, in milliseconds: faster than anybody reads, and a frame in six at 60 a second. */
const paintEvery = 100;

/** Over how long the rate is counted; and from when on, since a stream begins with older events. */
const rateOver = 5_000;
const rateFrom = 1_000;

/** Screen is all that there is to see at a moment, but for the rows themselves. */
export interface Screen {
  first: number; // the rows that are kept, by number
  next: number;
  paused: boolean;
  mark: number; // the row at which the pause began
  waiting: number; // events since then
  letGo: boolean; // the connection was given up while paused: there is no room for more
  phase: Phase;
  rate: number; // events a second
  delay: number | null; // from arrival at Kafka until shown, in milliseconds
  now: number;
}

/** What the store needs of the world. */
export interface Surroundings {
  link: {
    join(wanted: Wanted, from: string): number;
    leave(sub: number): void;
    ack(sub: number, n: number): void;
    now(): void;
    keep(): () => void;
    onmessage: (message: ToViewer) => void;
    onreset: () => void;
  };
  now(): number;
  /** Runs something in the next frame. */
  frame(run: () => void): void;
}

/**
 * LiveStore is what the live view shows. Nothing that comes while it is paused is lost: it waits here as long as
 * there is room, then the connection is given up, and taken up again behind the last id when somebody reads on or
 * resumes. Events are kept as they came, and parsed when they are looked at.
 */
export class LiveStore {
  readonly kept = new Kept();

  private wanted: Wanted | undefined;
  private sub = 0; // 0: no stream
  private lastId = "";
  private begun = Number.POSITIVE_INFINITY; // when the first of the stream came
  private events = 0;
  private eventsAtPause = 0;
  private paused = false;
  private mark = 0;
  private letGo = false;
  private resumed = Number.NEGATIVE_INFINITY; // the row at which the last pause ended
  private top = 0; // the row that is read at the top
  private phase: Phase = { name: "connecting" };
  private clock = 0;
  private arrivals: { at: number; n: number }[] = [];
  private delays: number[] = [];
  private measured = 0; // the row up to which delays were measured
  private painted = Number.NEGATIVE_INFINITY;
  private due: "soon" | "now" | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private listeners = new Set<() => void>();
  private seen: Screen;

  constructor(private readonly around: Surroundings) {
    this.seen = this.look();
  }

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  screen = (): Screen => this.seen;

  /** start shows another stream, from its newest events on. It returns what ends it. */
  start(wanted: Wanted): () => void {
    this.wanted = wanted;
    this.lastId = "";
    this.kept.clear();
    this.arrivals = [];
    this.delays = [];
    this.paused = false;
    this.resumed = Number.NEGATIVE_INFINITY;
    this.begun = Number.POSITIVE_INFINITY;
    const { link } = this.around;
    link.onmessage = (message) => this.hear(message);
    link.onreset = () => this.sub && this.join();
    const unkeep = link.keep();
    const second = setInterval(() => this.changed(), 1000);
    this.join();
    return () => {
      unkeep();
      clearInterval(second);
      clearTimeout(this.timer);
      this.due = undefined;
      this.leave();
      this.wanted = undefined;
    };
  }

  private join() {
    if (!this.wanted) return;
    this.letGo = false;
    this.phase = { name: "connecting" };
    this.sub = this.around.link.join(this.wanted, this.lastId);
    this.changed(true);
  }

  /** leave gives the connection up; join goes on behind the last id. */
  leave() {
    if (this.sub) this.around.link.leave(this.sub);
    this.sub = 0;
  }

  /** back takes the connection up again, after leave. */
  back() {
    if (!this.sub && !this.letGo) this.join();
  }

  private hear(message: ToViewer) {
    // What was under way when this page left is brought again, behind the last id.
    if (message.sub !== this.sub) return;
    switch (message.type) {
      case "batch":
        this.around.link.ack(this.sub, message.n);
        this.take(message.rows);
        if (message.lastId) this.lastId = message.lastId;
        this.trim();
        this.changed();
        break;
      case "phase":
        this.phase = message.phase;
        if ("clock" in message.phase) this.clock = message.phase.clock;
        this.changed(true);
        break;
      case "dropped":
        this.join();
    }
  }

  private take(rows: (ToViewer & { type: "batch" })["rows"]) {
    let events = 0;
    for (const row of rows) {
      if (typeof row === "string") events++;
      const last = this.kept.size > 0 ? this.kept.get(this.kept.next - 1) : undefined;
      if (isLag(row) && isLag(last)) this.kept.replaceLast(row);
      else this.kept.push(row);
    }
    this.events += events;
    const at = this.around.now();
    this.begun = Math.min(this.begun, at);
    if (events > 0 && at - this.begun >= rateFrom) this.arrivals.push({ at, n: events });
  }

  /** trim lets go of the oldest rows; while paused, of none that is read; and if that is not enough, of the connection. */
  private trim(share = 1) {
    // What has waited can be scrolled back to until as many have come after it as are kept anyway.
    const live = !this.paused && this.kept.next - this.resumed > bounds.live;
    const rows = (live ? bounds.live : bounds.paused) * share;
    const over = () => this.kept.size > rows || this.kept.bytes > bounds.bytes * share;
    const floor = this.paused ? this.top - above : this.kept.next;
    while (over() && this.kept.first < floor) this.kept.drop();
    if (!over()) return true;
    if (share === 1 && !this.letGo) {
      this.leave();
      this.letGo = true;
    }
    return false;
  }

  pause() {
    if (this.paused) return;
    this.paused = true;
    this.mark = this.kept.next;
    this.top = this.kept.next;
    this.eventsAtPause = this.events;
    this.changed(true);
  }

  /** resume shows the newest again, and what comes. */
  resume() {
    if (!this.paused) return;
    this.paused = false;
    this.resumed = this.kept.next;
    this.trim();
    if (this.letGo) this.join();
    this.changed(true);
  }

  toggle() {
    if (this.paused) this.resume();
    else this.pause();
  }

  /** reading says which row is at the top of the screen, while paused: what is far above it may go, so that more can come. */
  reading(top: number) {
    this.top = top;
    if (this.paused && this.letGo && this.trim(3 / 4)) this.join();
  }

  /** clear takes away what is shown. */
  clear() {
    this.kept.clear();
    this.mark = this.kept.next;
    this.eventsAtPause = this.events;
    if (this.letGo) this.join();
    this.changed(true);
  }

  /** numberOf returns the row of an event; -1 where it is not kept. */
  numberOf(id: string): number {
    const sought = JSON.stringify(id);
    for (let number = this.kept.next - 1; number >= this.kept.first; number--) {
      const row = this.kept.get(number);
      // Most rows are told by a look, which costs less than parsing them.
      if (typeof row === "string" && row.includes(sought) && eventOf(row)?.eventId === id) return number;
    }
    return -1;
  }

  /** after returns the row of the next event in a direction; -1 where there is none. */
  after(number: number, by: 1 | -1): number {
    for (let to = number + by; to >= this.kept.first && to < this.kept.next; to += by)
      if (typeof this.kept.get(to) === "string") return to;
    return -1;
  }

  /** event returns the event of a row. */
  event(number: number): Event | null {
    const row = this.kept.get(number);
    return typeof row === "string" ? eventOf(row) : null;
  }

  /** retry tries to connect at once. */
  retry() {
    this.around.link.now();
  }

  /** changed has the screen painted: at once in the next frame, or not sooner than a while after the last time. */
  private changed(now = false) {
    if (this.due === "now" || (this.due && !now)) return;
    clearTimeout(this.timer);
    const wait = now ? 0 : this.painted + paintEvery - this.around.now();
    this.due = wait > 0 ? "soon" : "now";
    const paint = () => {
      this.due = "now";
      this.around.frame(() => this.paint());
    };
    if (wait > 0) this.timer = setTimeout(paint, wait);
    else paint();
  }

  private paint() {
    this.due = undefined;
    this.painted = this.around.now();
    this.measure();
    this.seen = this.look();
    for (const listener of this.listeners) listener();
  }

  /** measure takes the delay of the newest event, if it is only now shown. */
  private measure() {
    const last = this.kept.next - 1;
    const row = this.kept.size > 0 ? this.kept.get(last) : undefined;
    if (this.paused || last < this.measured || typeof row !== "string") return;
    this.measured = this.kept.next;
    if (this.painted - this.begun < rateFrom) return;
    const event = eventOf(row);
    const delay = this.painted + this.clock - Date.parse(event?.ingestedAt ?? "");
    if (Number.isNaN(delay)) return;
    this.delays.push(Math.max(0, delay));
    if (this.delays.length > 30) this.delays.shift();
  }

  private look(): Screen {
    const now = this.around.now();
    while (this.arrivals[0] && this.arrivals[0].at < now - rateOver) this.arrivals.shift();
    const over = Math.min(Math.max(now - this.begun - rateFrom, 1000), rateOver) / 1000;
    const delays = this.delays.toSorted((a, b) => a - b);
    return {
      first: this.kept.first,
      next: this.kept.next,
      paused: this.paused,
      mark: this.mark,
      waiting: this.paused ? this.events - this.eventsAtPause : 0,
      letGo: this.letGo,
      phase: this.phase,
      rate: this.arrivals.reduce((sum, { n }) => sum + n, 0) / over,
      delay: delays[delays.length >> 1] ?? null,
      now,
    };
  }
}

function isLag(row: unknown): boolean {
  return row !== null && typeof row === "object" && (row as { kind?: string }).kind === "lag";
}

/** eventOf parses a row; null is none that can be read. */
export function eventOf(row: string): Event | null {
  try {
    return JSON.parse(row) as Event;
  } catch {
    return null;
  }
}
