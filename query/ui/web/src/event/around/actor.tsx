import { useState } from "react";
import type { Event } from "../../api/types.ts";
import { condition } from "../../query/language.ts";
import { allTime, sameFilterAt } from "../../state/filter.ts";
import { useParams } from "../../state/location.ts";
import { Link } from "../../ui/link.tsx";
import { Empty, Failed, Loading } from "../../ui/state.tsx";
import { mostAround, useAround } from "../store.ts";
import { EventLink } from "./eventlink.tsx";
import "./around.css";

/** How many events are asked for on a side: at first, and each time that more are wanted. */
const steps = [20, 100, mostAround];

/** ActorTab shows what the actor of an event did before and after it. */
export function ActorTab({ event }: { event: Event }) {
  const [before, setBefore] = useState(0);
  const [after, setAfter] = useState(0);
  const around = useAround(event.eventId, {
    chain: 0,
    before: steps[before] as number,
    after: steps[after] as number,
  });
  if (!event.actorId)
    return (
      <Empty title="This event has no actor">
        <p>Who did it is told by `actorId`, which this event was sent without.</p>
      </Empty>
    );
  if (around.isPending) return <Loading what="what the actor did" />;
  if (around.isError) return <Failed error={around.error} retry={() => void around.refetch()} />;
  const found = around.data.actor;
  if (!found) return null;
  const here = Date.parse(event.createdAt);
  const list = (events: readonly Event[]) =>
    events.map((one) => (
      <li key={one.eventId}>
        <EventLink event={one} fromHereMs={Date.parse(one.createdAt) - here} here={one === event} />
      </li>
    ));
  return (
    <div aria-busy={around.isPlaceholderData}>
      <Who event={event} />
      {found.moreBefore && (
        <More when="earlier" step={before} busy={around.isPlaceholderData} onMore={() => setBefore(before + 1)} />
      )}
      <ol className="doings" aria-label="What the actor did">
        {list(found.before)}
        {list([event])}
        {list(found.after)}
      </ol>
      {found.moreAfter && (
        <More when="later" step={after} busy={around.isPlaceholderData} onMore={() => setAfter(after + 1)} />
      )}
    </div>
  );
}

function Who({ event }: { event: Event }) {
  const [params] = useParams();
  const actor = condition("actorId", event.actorId ?? "");
  const search = sameFilterAt("/", params, {
    q: event.actorType ? `${actor} ${condition("actorType", event.actorType)}` : actor,
    from: allTime,
    to: null,
    preset: null,
  });
  return (
    <p>
      What {event.actorType && `${event.actorType} `}
      <code className="near-id">{event.actorId}</code>
      {event.actorName && ` (${event.actorName})`} did around this event. <Link to={search}>Search for all of it</Link>
    </p>
  );
}

function More({ when, step, busy, onMore }: { when: string; step: number; busy: boolean; onMore: () => void }) {
  if (step === steps.length - 1)
    return <p className="muted">There is more {when}; the search for all of it has the rest.</p>;
  return (
    <button type="button" className="button doings-more" disabled={busy} onClick={onMore}>
      Show what was {when}
    </button>
  );
}
