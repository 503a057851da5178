import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Link } from "./link.ts";
import type { Port, ToHub, ToTab } from "./protocol.ts";

/** End is the other end of a line. */
class End implements Port {
  heard: ToHub[] = [];
  answers = true;
  onmessage: ((event: MessageEvent) => void) | null = null;
  postMessage(message: unknown) {
    this.heard.push(message as ToHub);
    if (this.answers && (message as ToHub).type === "ping") setTimeout(() => this.say({ type: "pong" }), 1);
  }
  say(message: ToTab) {
    this.onmessage?.({ data: message } as MessageEvent);
  }
}

const wanted = { who: "", headers: {}, query: "" };
let shared: End[];
let own: End[];
let gone: (() => void)[];
let deaf: boolean;
let none: boolean;
let resets: number;
let ends: Map<string, () => void>;

function newLink(): Link {
  const link = new Link({
    shared(whenGone) {
      if (none) return null;
      const end = new End();
      end.answers = !deaf;
      shared.push(end);
      gone.push(whenGone);
      return end;
    },
    async own() {
      own.push(new End());
      return own.at(-1) as End;
    },
    hold: (tell) => tell("this tab"),
    whenEnded: (name, then) => void ends.set(name, then),
  });
  link.onreset = () => {
    resets++;
    link.join(wanted, "7");
  };
  return link;
}

beforeEach(() => {
  vi.useFakeTimers();
  [shared, own, gone, deaf, none, resets] = [[], [], [], false, false, 0];
  ends = new Map();
});
afterEach(() => {
  vi.useRealTimers();
});

const joins = (end: End | undefined) => end?.heard.filter((message) => message.type === "join").length;

test("without shared workers the hub is in the page", async () => {
  none = true;
  const link = newLink();
  link.join(wanted, "");
  await vi.advanceTimersByTimeAsync(0);
  expect(joins(own[0])).toBe(1);
  expect(resets).toBe(0);
});

test("a worker that answers stays", async () => {
  newLink().keep();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(shared).toHaveLength(1);
  expect(resets).toBe(0);
});

test("a worker that has ended is replaced, whether the browser says so or not", async () => {
  const link = newLink();
  link.keep();
  await vi.advanceTimersByTimeAsync(15_000);
  (shared[0] as End).answers = false;
  await vi.advanceTimersByTimeAsync(45_000);
  expect(shared).toHaveLength(2);
  expect(resets).toBe(1);
  expect(joins(shared[1])).toBe(1);
  await vi.advanceTimersByTimeAsync(15_000);
  gone[1]?.();
  expect(shared).toHaveLength(3);
  gone[1]?.(); // Late news of the one before.
  expect(shared).toHaveLength(3);
  expect(resets).toBe(2);
});

test("where the browser has locks, an ended worker is noticed at once, and so would be this tab", async () => {
  newLink();
  await vi.advanceTimersByTimeAsync(0);
  expect(shared[0]?.heard).toContainEqual({ type: "life", name: "this tab" });
  shared[0]?.say({ type: "life", name: "worker" });
  ends.get("worker")?.();
  expect(shared).toHaveLength(2);
  expect(resets).toBe(1);
  expect(shared[1]?.heard).toContainEqual({ type: "life", name: "this tab" });
});

test("where workers never answer the page does without", async () => {
  deaf = true;
  newLink().keep();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(shared).toHaveLength(2);
  expect(own).toHaveLength(1);
  expect(joins(own[0])).toBe(1);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(own).toHaveLength(1);
});
