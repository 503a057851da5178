import type { Phase, Port, Row, ToHub, ToTab, ToViewer, Wanted } from "./protocol.ts";
import { type Item, Reader, tail, type World } from "./reader.ts";

/** How many characters a tab may owe receipts for before its stream waits for it, and before it is dropped. */
const enough = 4 << 20;
const tooMuch = 32 << 20;

/** What a stream remembers of what came, so that tabs can join it behind an id. */
const keptItems = 5000;
const keptChars = 4 << 20;

/** A tab that has said nothing for so long is gone, or frozen. Tabs in the background may speak once a minute. */
const silence = 150_000;
const lookAround = 30_000;

interface Tab {
  port: Port;
  heard: number;
  viewers: Map<number, Viewer>;
}

/** Viewer is one tab's view of a stream. */
interface Viewer {
  tab: Tab;
  sub: number;
  wanted: Wanted;
  from: string;
  stream: Stream | null; // null: there was no room for it yet
  batches: number;
  owed: { n: number; chars: number }[];
  chars: number; // owed
}

/**
 * Hub keeps the streams of all tabs of this browser: one connection for each filter that somebody looks at.
 *
 * Where a tab begins: a new one gets the newest events that its stream remembers (as many as a stream of its own
 * would have begun with) and goes on with everybody else. One that comes back behind an id joins where the stream
 * remembers that id; else it is given a stream of its own that begins there, and joins the others when it has caught
 * up: an id is a place, so two streams of the same filter that have both been at it bring the same from there on.
 */
export class Hub {
  private tabs = new Set<Tab>();
  private streams: Stream[] = [];
  private queue: Viewer[] = []; // without a stream
  private limit = 4;

  private life = "";

  constructor(private readonly world: World) {
    this.lookAround();
  }

  /** lives takes the name by which tabs learn that this hub has ended. */
  lives(name: string) {
    this.life = name;
    for (const tab of this.tabs) tab.port.postMessage({ type: "life", name } satisfies ToTab);
  }

  /** attach takes in a tab. */
  attach(port: Port) {
    const tab: Tab = { port, heard: this.world.now(), viewers: new Map() };
    port.onmessage = ({ data }) => this.hear(tab, data as ToHub);
    if (this.life) port.postMessage({ type: "life", name: this.life } satisfies ToTab);
  }

  private hear(tab: Tab, message: ToHub) {
    this.tabs.add(tab);
    tab.heard = this.world.now();
    switch (message.type) {
      case "join": {
        const { sub, wanted, from } = message;
        this.limit = message.limit;
        const viewer = { tab, sub, wanted, from, stream: null, batches: 0, owed: [], chars: 0 };
        tab.viewers.set(sub, viewer);
        this.place(viewer);
        break;
      }
      case "leave": {
        const viewer = tab.viewers.get(message.sub);
        if (viewer) this.leave(viewer);
        break;
      }
      case "ack": {
        const viewer = tab.viewers.get(message.sub);
        if (viewer) receipt(viewer, message.n);
        break;
      }
      case "life":
        // A tab that crashes says no goodbye.
        this.world.whenEnded(message.name, () => this.forget(tab));
        break;
      case "now":
        for (const viewer of tab.viewers.values()) viewer.stream?.now();
        break;
      case "ping":
        tab.port.postMessage({ type: "pong" } satisfies ToTab);
    }
  }

  private post(viewer: Viewer, message: ToViewer) {
    viewer.tab.port.postMessage(message);
  }

  /** place finds or makes the stream that brings what a viewer lacks. */
  private place(viewer: Viewer) {
    const { wanted, from } = viewer;
    const key = keyOf(wanted);
    const alike = this.streams.filter((stream) => stream.key === key);
    if (from === "") {
      const stream = alike.find((one) => one.phase.name === "live") ?? alike[0];
      if (stream) {
        this.seat(viewer, stream, stream.newest(tail));
        return;
      }
    } else
      for (const stream of alike) {
        const behind = stream.behind(from);
        if (behind) {
          this.seat(viewer, stream, behind);
          return;
        }
      }
    if (this.streams.filter((stream) => stream.phase.name !== "refused").length >= this.limit) {
      if (!this.queue.includes(viewer)) this.queue.push(viewer);
      this.post(viewer, { type: "phase", sub: viewer.sub, phase: { name: "full", limit: this.limit } });
      return;
    }
    const stream = new Stream(this, this.world, key, wanted, from);
    this.streams.push(stream);
    this.seat(viewer, stream, []);
  }

  private seat(viewer: Viewer, stream: Stream, items: Item[]) {
    viewer.stream = stream;
    stream.viewers.add(viewer);
    this.post(viewer, { type: "phase", sub: viewer.sub, phase: stream.phase });
    this.send(viewer, items);
    if (stream.phase.name === "refused") stream.now();
  }

  private leave(viewer: Viewer) {
    viewer.tab.viewers.delete(viewer.sub);
    this.queue = this.queue.filter((one) => one !== viewer);
    const stream = viewer.stream;
    viewer.stream = null;
    if (!stream) return;
    stream.viewers.delete(viewer);
    stream.makeRoom();
    if (stream.viewers.size === 0) this.close(stream);
  }

  private close(stream: Stream) {
    stream.stop();
    this.streams = this.streams.filter((one) => one !== stream);
    for (const viewer of this.queue.splice(0)) this.place(viewer);
  }

  private forget(tab: Tab) {
    this.tabs.delete(tab);
    for (const viewer of [...tab.viewers.values()]) this.leave(viewer);
  }

  private lookAround() {
    for (const tab of this.tabs)
      if (this.world.now() - tab.heard > silence) {
        // What it is told waits for it: if it was only frozen, it joins again.
        for (const viewer of tab.viewers.values()) this.post(viewer, { type: "dropped", sub: viewer.sub });
        this.forget(tab);
      }
    this.world.setTimeout(() => this.lookAround(), lookAround);
  }

  /** tell passes on how a stream is. */
  tell(stream: Stream, phase: Phase) {
    for (const viewer of stream.viewers) this.post(viewer, { type: "phase", sub: viewer.sub, phase });
    // A stream that was refused has no connection: another may have it.
    if (phase.name === "refused") for (const viewer of this.queue.splice(0)) this.place(viewer);
  }

  /** pass hands what came to everybody, and lets streams of the same filter that meet become one. */
  pass(stream: Stream, items: Item[]) {
    for (const viewer of [...stream.viewers]) {
      this.send(viewer, items);
      if (viewer.chars > tooMuch && stream.viewers.size > 1) {
        this.post(viewer, { type: "dropped", sub: viewer.sub });
        this.leave(viewer);
      }
    }
    for (const other of this.streams) {
      if (other === stream || other.key !== stream.key) continue;
      const behind = other.behind(stream.lastId);
      if (!behind) continue;
      for (const viewer of [...stream.viewers]) {
        stream.viewers.delete(viewer);
        this.seat(viewer, other, behind);
      }
      this.close(stream);
      return;
    }
  }

  private send(viewer: Viewer, items: Item[]) {
    const last = items.findLast((item) => item.id !== "");
    if (items.length === 0) return;
    const rows: Row[] = [];
    let chars = 0;
    for (const { row } of items) {
      if (row === null) continue;
      rows.push(row);
      chars += typeof row === "string" ? row.length : 100;
    }
    const n = ++viewer.batches;
    viewer.owed.push({ n, chars });
    viewer.chars += chars;
    this.post(viewer, { type: "batch", sub: viewer.sub, n, lastId: last?.id ?? "", rows });
  }
}

function receipt(viewer: Viewer, n: number) {
  while (viewer.owed[0] && viewer.owed[0].n <= n) viewer.chars -= viewer.owed.shift()?.chars ?? 0;
  viewer.stream?.makeRoom();
}

function keyOf({ who, headers, query }: Wanted): string {
  return JSON.stringify([who, headers, query]);
}

/** Stream is one connection, who looks at it, and the newest of what it brought. */
class Stream {
  readonly viewers = new Set<Viewer>();
  lastId: string;

  private reader: Reader;
  private items: Item[] = [];
  private first = 0; // the number of the first of items
  private places = new Map<string, number>(); // ids → number of the item after which that place is
  private chars = 0;
  private room: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(
    private readonly hub: Hub,
    private readonly world: World,
    readonly key: string,
    private readonly wanted: Wanted,
    from: string,
  ) {
    this.lastId = from;
    this.reader = this.read();
  }

  private read(): Reader {
    return new Reader(this.world, this.wanted, this.lastId, {
      items: (items) => {
        this.keep(items);
        this.hub.pass(this, items);
      },
      phase: (phase) => this.hub.tell(this, phase),
      room: () => this.whenRoom(),
    });
  }

  get phase(): Phase {
    return this.reader?.phase ?? { name: "connecting" };
  }

  now() {
    if (this.phase.name === "refused") this.reader = this.read();
    else this.reader.now();
  }

  stop() {
    this.reader.stop();
    this.room?.resolve();
  }

  private keep(items: Item[]) {
    for (const item of items) {
      this.items.push(item);
      this.chars += typeof item.row === "string" ? item.row.length : 0;
      if (item.id === "") continue;
      this.lastId = item.id;
      this.places.set(item.id, this.first + this.items.length - 1);
    }
    let drop = 0;
    while (this.items.length - drop > keptItems || (this.chars > keptChars && drop < this.items.length - 1)) {
      const item = this.items[drop] as Item;
      this.chars -= typeof item.row === "string" ? item.row.length : 0;
      if (this.places.get(item.id) === this.first + drop) this.places.delete(item.id);
      drop++;
    }
    this.items.splice(0, drop);
    this.first += drop;
  }

  /** behind returns what came after a place; undefined where that is not remembered. */
  behind(id: string): Item[] | undefined {
    if (id !== "" && id === this.lastId) return [];
    const place = this.places.get(id);
    return place === undefined ? undefined : this.items.slice(place + 1 - this.first);
  }

  /** newest returns the newest n events and the place after them. */
  newest(n: number): Item[] {
    let events = 0;
    let at = this.items.length;
    while (at > 0 && events < n) if (typeof this.items[--at]?.row === "string") events++;
    const newest = this.items.slice(at);
    return this.lastId ? [...newest, { id: this.lastId, row: null }] : newest;
  }

  /** whenRoom holds the stream while nobody who looks at it keeps up; the server waits, or ends the connection, and nothing is lost. */
  private whenRoom(): Promise<void> | undefined {
    for (const viewer of this.viewers) if (viewer.chars < enough) return undefined;
    if (!this.room) {
      let resolve = () => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.room = { promise, resolve };
    }
    return this.room.promise;
  }

  makeRoom() {
    if (!this.room || this.whenRoom()) return;
    this.room.resolve();
    this.room = undefined;
  }
}
