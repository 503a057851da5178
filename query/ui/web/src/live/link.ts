import type { Port, ToHub, ToTab, Wanted } from "./protocol.ts";

/** So often a tab says that it is there. */
const pingEvery = 20_000;

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

/**
 * Link is this page's line to the hub: in the worker that all tabs share, or, where the browser has no such worker
 * or doesn't let it start, in this page.
 */
export class Link {
  onmessage: (message: ToTab) => void = () => {};
  /** The hub is another one, which knows of nothing. */
  onreset: () => void = () => {};

  private port: Port | undefined;
  private unsent: ToHub[] = [];
  private subs = 0;

  constructor() {
    if (typeof SharedWorker === "undefined") {
      void this.inPage();
      return;
    }
    const worker = new SharedWorker(new URL("./worker.ts", import.meta.url), { type: "module", name: "daybook live" });
    worker.onerror = () => void this.inPage();
    this.take(worker.port);
  }

  private async inPage() {
    const [{ Hub }, { world }] = await Promise.all([import("./hub.ts"), import("./world.ts")]);
    const { port1, port2 } = new MessageChannel();
    new Hub(world).attach(port2);
    this.take(port1);
    this.onreset();
  }

  private take(port: Port) {
    this.port = port;
    port.onmessage = ({ data }) => this.onmessage(data as ToTab);
    for (const message of this.unsent.splice(0)) port.postMessage(message);
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

  /** keep says that this tab is there, until the returned function is called. */
  keep(): () => void {
    const timer = setInterval(() => this.post({ type: "ping" }), pingEvery);
    return () => clearInterval(timer);
  }
}
