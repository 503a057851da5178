import { useMemo } from "react";
import { pathOf } from "../query/language.ts";
import { bytes } from "../state/numbers.ts";
import { copy } from "../ui/announce.tsx";
import { Foot, Head, known } from "./head.tsx";
import { ofValue } from "./payload/conditions.ts";
import { branch, keysOf, type Value, written } from "./payload/json.ts";
import { Tree, type TreeOf } from "./payload/tree.tsx";
import { type Stored, useMarks } from "./store.ts";

/** Contents is all that an event has: its members, its payload, and members that Daybook doesn't know. */
export function Contents({ stored }: { stored: Stored }) {
  const { event, document, payload } = stored;
  const marks = useMarks(event, true);
  const others = useMemo(() => unknownMembers(document), [document]);
  const tree = useMemo<TreeOf | null>(
    () =>
      payload
        ? {
            root: payload,
            path: (value) => pathOf(keysOf(value, payload)),
            conditions: (value) => ofValue(value, payload),
          }
        : null,
    [payload],
  );
  return (
    <>
      <Head event={event} marks={marks} />
      {payload && tree && (
        <section aria-labelledby="event-payload">
          <div className="event-section">
            <h3 id="event-payload">Payload</h3>
            <span className="muted">{bytes(payload.to - payload.from)}</span>
            <button
              type="button"
              className="sign-button wide"
              onClick={() => void copy(written(payload), "the payload")}
            >
              Copy
            </button>
          </div>
          {branch(payload) ? (
            <Tree of={tree} label="Payload" marks={marks} />
          ) : (
            <p className="muted">{payload.kind === "object" ? "The payload is empty." : written(payload)}</p>
          )}
        </section>
      )}
      <section aria-labelledby="event-record">
        <div className="event-section">
          <h3 id="event-record">Record</h3>
        </div>
        <Foot event={event} />
      </section>
      {others && (
        <section aria-labelledby="event-others">
          <div className="event-section">
            <h3 id="event-others">Other members</h3>
            <span className="muted">kept as they were sent; not searched</span>
          </div>
          <Tree of={others} label="Other members" />
        </section>
      )}
    </>
  );
}

function unknownMembers(document: Value): TreeOf | null {
  const children = document.children.filter(({ key }) => key !== "payload" && !known.has(String(key)));
  if (children.length === 0) return null;
  return {
    root: { ...document, children },
    path: (value) => pathOf(keysOf(value, document)).slice("payload.".length),
    conditions: () => null,
  };
}
