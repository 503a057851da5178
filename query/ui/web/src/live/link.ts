import { hold, whenEnded } from "./life.ts";
import type { Port, ToHub, ToTab, ToViewer, Wanted } from "./protocol.ts";

/** So often a tab says that it is there, and so long it waits for an answer, in milliseconds. */
const pingEvery = 10_000;
const patience = 25_000;

/** After so many workers that never answered, the page does without. */
const attempts = 2;

/**
 * How many streams one browser may have open. Over HTTP/1.1 a browser has six connections to a server for all its
 * tabs together, and what is searched, opened or saved needs some of them; over HTTP/2 they share one.
 */
const overHTTP1 = 4;
const overHTTP2 = 50;

function limit(): number {
  const [visit] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return /^h[23]/.test(visit?.nextHopProtocol ?? "") ? overHTTP2 : overHTTP1;
}

/** How a link gets its line. */
export interface Lines {
  /** A line to the worker that all tabs share; null where the browser has none. gone is called when it turns out not to work. */
  shared(gone: () => void): Port | null;
  /** A line to a hub in this page. */
  own(): Promise<Port>;
  /** Has this page's life told by a name, and calls back when another's has ended. */
  hold(tell: (name: string) => void): void;
  whenEnded(name: string, then: () => void): void;
}

export const lines: Lines = {
  shared(gone) {
    if (typeof SharedWorker === "undefined") return null;
    const worker = new SharedWorker(new URL("./worker.ts", import.meta.url), { type: "module", name: "daybook live" });
    worker.onerror = gone;
    return worker.port;
  },
  async own() {
    const [{ Hub }, { world }] = await Promise.all([import("./hub.ts"), import("./world.ts")]);
    const { port1, port2 } = new MessageChannel();
    new Hub(world).attach(port2);
    return port1;
  },
  hold,
  whenEnded,
};

/**
 * Link is this page's line to the hub: in the worker that all tabs share, or, where the browser has no such worker
 * or doesn't let it start, in this page. A worker lives in the process of one of the tabs, and ends when that
 * crashes: browsers don't say so to the others, who look (life.ts) and ask.
 */
export class Link {
  onmessage: (message: ToViewer) => void = () => {};
  /** The hub is another one, which knows of nothing. */
  onreset: () => void = () => {};

  private port: Port | undefined;
  private unsent: ToHub[] = [];
  private subs = 0;
  private unanswered = 0; // hubs in a row that have said nothing
  private asked: number | undefined; // when the last ping was sent that has no answer
  private life = "";

  constructor(private readonly lines: Lines) {
    this.connect();
    lines.hold((name) => {
      this.life = name;
      this.port?.postMessage({ type: "life", name });
    });
  }

  private connect() {
    this.asked = undefined;
    const port = this.unanswered < attempts ? this.lines.shared(() => this.renew(port)) : null;
    if (port) this.take(port);
    else void this.lines.own().then((own) => this.take(own));
  }

  private take(port: Port) {
    this.port = port;
    port.onmessage = ({ data }) => {
      this.unanswered = 0;
      this.asked = undefined;
      const message = data as ToTab;
      if (message.type === "life") this.lines.whenEnded(message.name, () => this.renew(port));
      else if (message.type !== "pong") this.onmessage(message);
    };
    if (this.life) port.postMessage({ type: "life", name: this.life });
    for (const message of this.unsent.splice(0)) port.postMessage(message);
  }

  private renew(port: Port | null | undefined) {
    if (!this.port || this.port !== port) return;
    this.port.onmessage = null;
    this.port.postMessage({ type: "leave", sub: this.subs }); // Should it only have been slow.
    this.port = undefined;
    this.unanswered++;
    this.connect();
    this.onreset();
  }

  private post(message: ToHub) {
    if (this.port) this.port.postMessage(message);
    else this.unsent.push(message);
  }

  /** join asks for a stream and returns the number that what comes of it has. */
  join(wanted: Wanted, from: string): number {
    const sub = ++this.subs;
    this.post({ type: "join", sub, wanted, from, limit: limit() });
    return sub;
  }

  leave(sub: number) {
    this.post({ type: "leave", sub });
  }

  ack(sub: number, n: number) {
    this.post({ type: "ack", sub, n });
  }

  now() {
    this.post({ type: "now" });
  }

  /** keep says that this tab is there, and looks whether the hub is, until the returned function is called. */
  keep(): () => void {
    this.ping();
    const timer = setInterval(() => this.ping(), pingEvery);
    return () => clearInterval(timer);
  }

  private ping() {
    const now = performance.now();
    if (this.asked !== undefined && now - this.asked > patience) {
      this.renew(this.port);
      return;
    }
    this.asked ??= now;
    this.post({ type: "ping" });
  }
}
