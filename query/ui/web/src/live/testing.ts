import { vi } from "vitest";
import type { World } from "./reader.ts";

// A server of streams for the tests of what follows them.

/** Connection is one that was made, and what the server does on it. */
export interface Connection {
  path: string;
  headers: Record<string, string>;
  gone: boolean; // the client has ended it
  send(text: string): void;
  end(): void;
  cut(): void;
}

export interface Server {
  world: World;
  connections: Connection[];
  /** What the next connections are answered with instead of a stream. */
  answers: (Response | "unreachable")[];
  online: boolean;
  /** What is called when the life of a name has ended. */
  lives: Map<string, () => void>;
  /** Lets so much time pass. */
  pass(ms: number): Promise<void>;
}

/** newServer serves streams; the clock is vitest's, and random is always 0. */
export function newServer(): Server {
  vi.useFakeTimers();
  const server: Server = {
    connections: [],
    answers: [],
    online: true,
    lives: new Map(),
    pass: async (ms) => {
      await vi.advanceTimersByTimeAsync(ms);
    },
    world: {
      now: () => Date.now(),
      random: () => 0,
      online: () => server.online,
      whenEnded: (name, then) => void server.lives.set(name, then),
      setTimeout: (run, ms) => setTimeout(run, ms),
      clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
      fetch: async (path, init) => {
        const answer = server.answers.shift();
        if (answer === "unreachable") throw new TypeError("fetch failed");
        if (answer) return answer;
        let to!: ReadableStreamDefaultController<Uint8Array>;
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            to = controller;
          },
        });
        const connection: Connection = {
          path,
          headers: init.headers as Record<string, string>,
          gone: false,
          send: (text) => to.enqueue(new TextEncoder().encode(text)),
          end: () => to.close(),
          cut: () => to.error(new TypeError("network error")),
        };
        init.signal?.addEventListener("abort", () => {
          if (connection.gone) return;
          connection.gone = true;
          try {
            to.error(new DOMException("aborted", "AbortError"));
          } catch {
            // It had ended already.
          }
        });
        server.connections.push(connection);
        return new Response(body, { headers: { "Content-Type": "text/event-stream; charset=utf-8" } });
      },
    },
  };
  return server;
}

export function hello(mode = "live", id = "h"): string {
  const members = { mode, serverTime: new Date().toISOString(), heartbeatMs: 15_000, maxAgeMs: 1_800_000 };
  return `retry: 2000\n\nevent: hello\n${id && `id: ${id}\n`}data: ${JSON.stringify(members)}\n\n`;
}

/** event is the frame of an event whose payload has its number; its id has it too. */
export function event(n: number, age = 0): string {
  return `id: ${n}\ndata: ${row(n, age)}\n\n`;
}

export function row(n: number, age = 0): string {
  return JSON.stringify({ eventId: `e${n}`, payload: { n }, ingestedAt: new Date(Date.now() - age).toISOString() });
}

export function control(name: string, members: object, id = ""): string {
  return `event: ${name}\n${id && `id: ${id}\n`}data: ${JSON.stringify(members)}\n\n`;
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
