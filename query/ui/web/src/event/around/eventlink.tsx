import type { ReactNode } from "react";
import type { Event } from "../../api/types.ts";
import { filterOf } from "../../state/filter.ts";
import { addressWith, useParams, usePath } from "../../state/location.ts";
import { stamp } from "../../state/time.ts";
import { Link } from "../../ui/link.tsx";
import { SeverityMark } from "../../ui/severity.tsx";
import { Icon } from "../icons.tsx";
import { relative } from "./relative.ts";

/** EventLink is an event near the one that is shown: it opens it, or compares the two. */
export function EventLink({
  event,
  fromHereMs,
  here,
  sign = true,
}: {
  event: Event;
  fromHereMs: number;
  here: boolean; // it is the one that is shown
  sign?: boolean; // the caller doesn't draw the severity itself
}) {
  const path = usePath();
  const [params] = useParams();
  const { tz } = filterOf(params);
  const to = (changes: Record<string, string | null>) => addressWith(path, params.toString(), changes);
  const what: ReactNode = (
    <>
      <span className="near-type">
        {sign && <SeverityMark severity={event.severity} short />}
        {!sign && <span className="hidden-text">{event.severity}</span>} <span>{event.eventType}</span>
      </span>
      <span className="near-about muted">
        {event.source ?? "no source"}
        {event.targetId && ` · ${event.targetId}`}
      </span>
    </>
  );
  return (
    <div className={here ? "near near-here" : "near"}>
      <span className="near-time number" title={stamp(event.createdAt, tz)}>
        {here ? "this event" : relative(fromHereMs)}
      </span>
      {here ? (
        <span className="near-what" aria-current="true">
          {what}
        </span>
      ) : (
        <>
          <Link className="near-what" to={to({ event: event.eventId })}>
            {what}
          </Link>
          <Link
            className="sign-button"
            to={to({ compare: event.eventId, tab: null })}
            aria-label={`Compare with ${event.eventType}, ${relative(fromHereMs)}`}
            title="Compare with this event"
          >
            <Icon of="compare" />
          </Link>
        </>
      )}
    </div>
  );
}
