import { count } from "../state/numbers.ts";
import { length } from "../state/time.ts";
import type { Note, Phase } from "./protocol.ts";

/** What screen readers say of the connection, when it changes. */
export const phaseNames: Record<Phase["name"], string> = {
  connecting: "Connecting",
  live: "Live",
  "catching-up": "Catching up",
  waiting: "Reconnecting",
  offline: "Offline",
  full: "Waiting for a free connection",
  refused: "Refused",
};

/** phaseWords says how the connection is, at a time. */
export function phaseWords(phase: Phase, now: number): string {
  switch (phase.name) {
    case "connecting":
      return "Connecting …";
    case "live":
      return "Live";
    case "catching-up":
      return phase.behind === null
        ? `Catching up from ${sources[phase.source] ?? phase.source}`
        : `Catching up: ${count(phase.behind)} behind, ${length(phase.behindMs ?? 0)}`;
    case "waiting": {
      const left = Math.ceil((phase.until - now) / 1000);
      return left > 0 ? `Reconnecting in ${left} s: ${phase.why}` : `Reconnecting: ${phase.why}`;
    }
    case "offline":
      return "Offline: goes on when the network is back";
    case "full":
      return "Waiting for a free connection";
    case "refused":
      return "Refused";
  }
}

const sources: Record<string, string> = { ring: "memory", kafka: "Kafka", store: "the event store" };

/** noteWords says what a note tells: in short, and with what is to be known of it. */
export function noteWords(note: Note, at: (time: string) => string): { title: string; detail: string } {
  switch (note.kind) {
    case "gap":
      return {
        title: `Gap: ${note.atMost ? "at most " : ""}${count(note.missing)} ${note.missing === 1 ? "record is" : "records are"} missing`,
        detail: [
          note.reason === "retention" ? "no longer kept when this page asked for them" : note.reason,
          note.after && `after ${at(note.after)}`,
          ...note.partitions.map(
            ({ partition, from, to }) => `partition ${partition}: offsets ${count(from)} to ${count(to - 1)}`,
          ),
        ]
          .filter(Boolean)
          .join(" · "),
      };
    case "lag":
      return {
        title: `Behind: ${count(note.behind)} ${note.behind === 1 ? "record" : "records"}, ${length(note.behindMs)}`,
        detail: `what comes now is read from ${sources[note.source] ?? note.source}, in order; nothing is left out`,
      };
    case "resync":
      return {
        title: "Place lost and found by time: some events may come twice",
        detail: [note.reason, note.from && `from ${at(note.from)} on`].filter(Boolean).join(" · "),
      };
  }
}
