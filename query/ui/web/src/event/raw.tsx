import { useMemo, useState } from "react";
import { bytes } from "../state/numbers.ts";
import { copy } from "../ui/announce.tsx";
import { indented } from "./payload/json.ts";
import { cutAt } from "./payload/text.ts";
import type { Stored } from "./store.ts";

/** How much text is put on the page at once. */
const piece = 50_000;

/** Raw is the event as JSON. Its numbers and names are as they were sent; only the space between is for reading. */
export function Raw({ stored }: { stored: Stored }) {
  const [pieces, setPieces] = useState(1);
  const text = useMemo(() => indented(stored.document), [stored]);
  const size = useMemo(() => new TextEncoder().encode(stored.text).length, [stored]);
  const shown = endOf(text, pieces * piece);
  const download = () => {
    const address = URL.createObjectURL(new Blob([stored.text], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = `${stored.event.eventId.replace(/[^\w.-]/g, "_")}.json`;
    link.click();
    URL.revokeObjectURL(address);
  };
  return (
    <>
      <div className="event-tools">
        <button type="button" className="button" onClick={() => void copy(stored.text, "the event as JSON")}>
          Copy
        </button>
        <button type="button" className="button" onClick={download}>
          Download
        </button>
        <span className="muted">{bytes(size)}, indented here; copied and downloaded as the server sent it</span>
      </div>
      <pre className="event-raw">{text.slice(0, shown)}</pre>
      {shown < text.length && (
        <button type="button" className="button" onClick={() => setPieces(pieces + 1)}>
          Show more: {bytes(text.length - shown)} are left
        </button>
      )}
    </>
  );
}

/** endOf returns where to cut: behind a line if one ends nearby. */
function endOf(text: string, wanted: number): number {
  if (wanted >= text.length) return text.length;
  const line = text.lastIndexOf("\n", wanted);
  return line > wanted - 2000 ? line + 1 : cutAt(text, wanted);
}
