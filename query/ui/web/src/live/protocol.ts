import type { Fault } from "../api/client.ts";

// What the page and the keeper of its streams say to each other, and the words that they share.

/** Note is a row that is no event: what the stream says about itself. */
export type Note =
  | {
      kind: "gap";
      reason: string;
      missing: number;
      atMost: boolean; // some of the missing may be others' events, or never were
      after: string; // a time
      partitions: { partition: number; from: number; to: number }[];
    }
  | { kind: "lag"; behind: number; behindMs: number; source: string }
  | { kind: "resync"; reason: string; from: string };

/** Row is an event, as the JSON that came and is parsed when it is looked at, or a note. */
export type Row = string | Note;

/** What a refusal was: the parts of a Problem that can be posted. */
export interface Refusal {
  status: number;
  body: { type?: string; title?: string; detail?: string; requestId?: string; errors?: Fault[] };
}

/** Phase is how the connection to the server is. clock is what the server's clock has on ours, in milliseconds. */
export type Phase =
  | { name: "connecting" }
  | { name: "live"; clock: number }
  | { name: "catching-up"; clock: number; behind: number | null; behindMs: number | null; source: string }
  | { name: "waiting"; until: number; why: string } // until is a time of Date.now()
  | { name: "offline" }
  | { name: "full"; limit: number } // this browser has as many streams open as it may
  | { name: "refused"; refusal: Refusal };

/** What a tab wants to see. Streams are shared by the tabs that name the same one. */
export interface Wanted {
  who: string; // whose session: another one's events are never handed on
  headers: Record<string, string>;
  query: string; // the filter, as parameters of the API
}

/** ToHub is what a tab says. sub is a number of its own choice, a new one for each join. */
export type ToHub =
  | { type: "join"; sub: number; wanted: Wanted; from: string; limit: number } // from "": the newest and what comes
  | { type: "leave"; sub: number }
  | { type: "ack"; sub: number; n: number }
  | { type: "life"; name: string } // see life.ts
  | { type: "now" } // try again at once
  | { type: "ping" };

/** ToTab is what a tab hears. */
export type ToTab = ToViewer | { type: "pong" } | { type: "life"; name: string };

/** ToViewer is what it hears of a stream that it has joined. A batch's rows come behind the ones before; lastId is the place after them. */
export type ToViewer =
  | { type: "batch"; sub: number; n: number; lastId: string; rows: Row[] }
  | { type: "phase"; sub: number; phase: Phase }
  | { type: "dropped"; sub: number }; // the tab was too slow, or silent: it may join again behind its last id

/** The part of a MessagePort that is used. */
export interface Port {
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent) => void) | null;
}
