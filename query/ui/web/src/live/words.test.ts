import { expect, test } from "vitest";
import type { Note, Phase } from "./protocol.ts";
import { noteWords, phaseWords } from "./words.ts";

test.each<[Phase, string]>([
  [{ name: "connecting" }, "Connecting …"],
  [{ name: "live", clock: 0 }, "Live"],
  [
    { name: "catching-up", clock: 0, behind: 12_345, behindMs: 180_000, source: "kafka" },
    "Catching up: 12,345 behind, 3 min",
  ],
  [
    { name: "catching-up", clock: 0, behind: null, behindMs: null, source: "store" },
    "Catching up from the event store",
  ],
  [{ name: "waiting", until: 3400, why: "the connection was cut" }, "Reconnecting in 3 s: the connection was cut"],
  [{ name: "waiting", until: 1000, why: "the connection was cut" }, "Reconnecting: the connection was cut"],
])("%j", (phase, want) => expect(phaseWords(phase, 1000)).toBe(want));

test.each<[Note, string, string]>([
  [
    {
      kind: "gap",
      reason: "retention",
      missing: 1234,
      atMost: true,
      after: "T",
      partitions: [{ partition: 3, from: 1000, to: 2234 }],
    },
    "Gap: at most 1,234 records are missing",
    "no longer kept when this page asked for them · after at T · partition 3: offsets 1,000 to 2,233",
  ],
  [
    { kind: "gap", reason: "other", missing: 1, atMost: false, after: "", partitions: [] },
    "Gap: 1 record is missing",
    "other",
  ],
  [
    { kind: "lag", behind: 1, behindMs: 350, source: "store" },
    "Behind: 1 record, 350 ms",
    "what comes now is read from the event store, in order; nothing is left out",
  ],
  [
    { kind: "resync", reason: "the topic was made anew", from: "T" },
    "Place lost and found by time: some events may come twice",
    "the topic was made anew · from at T on",
  ],
])("%j", (note, title, detail) => expect(noteWords(note, (time) => `at ${time}`)).toEqual({ title, detail }));
