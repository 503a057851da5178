import { filterOf } from "../state/filter.ts";
import { useParams } from "../state/location.ts";
import { stamp } from "../state/time.ts";
import { SeverityMark } from "../ui/severity.tsx";
import { useShortcut } from "../ui/shortcuts.tsx";
import { Failed, Loading } from "../ui/state.tsx";
import { useEvent } from "./store.ts";
import "./panel.css";

/** EventPanel shows the event whose id the address has, beside the list that it was opened from; without one it is nothing. */
export function EventPanel() {
  const [params] = useParams();
  const id = params.get("event");
  return id ? <Panel id={id} /> : null;
}

function Panel({ id }: { id: string }) {
  const [params, change] = useParams();
  const stored = useEvent(id);
  const close = () => change({ event: null, compare: null });
  useShortcut("Escape", "close the event", close);
  const { tz } = filterOf(params);
  const event = stored.data?.event;
  return (
    <aside className="event-panel" aria-label="Event" aria-busy={stored.isPlaceholderData}>
      <header className="event-head">
        <h2>{event?.eventType ?? id}</h2>
        <button type="button" className="button quiet" aria-label="Close the event" onClick={close}>
          ✕
        </button>
      </header>
      {stored.isPending && <Loading what="the event" />}
      {stored.isError && <Failed error={stored.error} retry={() => stored.refetch()} />}
      {event && (
        <>
          <p>
            <SeverityMark severity={event.severity} /> {stamp(event.createdAt, tz)}
          </p>
          <pre className="event-raw">{JSON.stringify(event, null, 2)}</pre>
        </>
      )}
    </aside>
  );
}
