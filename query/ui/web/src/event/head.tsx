import type { ReactNode } from "react";
import type { Event } from "../api/types.ts";
import { columns } from "../events/columns.ts";
import type { Marks } from "../search/marks.ts";
import { filterOf } from "../state/filter.ts";
import { useParams } from "../state/location.ts";
import { ago, length, stamp } from "../state/time.ts";
import { SeverityMark } from "../ui/severity.tsx";
import { ValueActions } from "./actions.tsx";
import { useNarrow } from "./narrow.ts";
import { useNow } from "./now.ts";
import { ofField } from "./payload/conditions.ts";
import { Marked } from "./payload/marked.tsx";

/** The members that have a row above the payload: those that q knows by name. */
const fields = columns.filter(({ id }) => !["createdAt", "ingestedAt", "eventId", "payload"].includes(id));

/** The members of an event that Daybook knows. */
export const known: ReadonlySet<string> = new Set([...columns.map(({ id }) => id), "tenantId", "archived"]);

/** Head is what stands in an event besides its payload. */
export function Head({ event, marks }: { event: Event; marks: Marks }) {
  const [params] = useParams();
  const { tz } = filterOf(params);
  return (
    <dl className="event-fields">
      <Times event={event} zone={tz} />
      {fields.map(({ id, label, mono }) => {
        const value = event[id];
        if (typeof value !== "string" || value === "") return null;
        return (
          <Field
            key={id}
            label={label}
            actions={<ValueActions name={label} conditions={ofField(id, value)} value={() => value} />}
          >
            <span className={mono ? "mono" : undefined}>
              {id === "severity" ? (
                <SeverityMark severity={event.severity} />
              ) : (
                <Marked text={value} ranges={marks.fields.get(id)} />
              )}
            </span>
          </Field>
        );
      })}
    </dl>
  );
}

/** Foot is what tells of the event as a record: less often looked at than its payload. */
export function Foot({ event }: { event: Event }) {
  const [params] = useParams();
  const { tz } = filterOf(params);
  const late = Date.parse(event.ingestedAt) - Date.parse(event.createdAt);
  return (
    <dl className="event-fields">
      <Field
        label="Event id"
        actions={
          <ValueActions name="Event id" conditions={ofField("eventId", event.eventId)} value={() => event.eventId} />
        }
      >
        <span className="mono">{event.eventId}</span>
      </Field>
      <Field
        label="Ingested"
        actions={<ValueActions name="Ingested" conditions={null} value={() => event.ingestedAt} />}
      >
        <span className="mono">{stamp(event.ingestedAt, tz)}</span>
        <span className="muted">{late >= 0 ? `${length(late)} later` : `${length(-late)} before its own time`}</span>
      </Field>
      <Field label="Tenant" actions={<ValueActions name="Tenant" conditions={null} value={() => event.tenantId} />}>
        {event.tenantId}
      </Field>
      {event.archived && (
        <Field
          label="Archived"
          actions={<ValueActions name="Archived" conditions={null} value={() => event.createdAt.slice(0, 10)} />}
        >
          older than the retention
        </Field>
      )}
    </dl>
  );
}

function Times({ event, zone }: { event: Event; zone: string }) {
  const { range } = useNarrow();
  const now = useNow();
  const end = new Date(Date.parse(event.createdAt) + 1).toISOString();
  return (
    <>
      <Field
        label="Time"
        actions={
          <>
            <button
              type="button"
              className="sign-button wide"
              title="The search begins at this event"
              onClick={() => range({ from: event.createdAt })}
            >
              From here
            </button>
            <button
              type="button"
              className="sign-button wide"
              title="The search ends with this event"
              onClick={() => range({ to: end })}
            >
              Until here
            </button>
            <ValueActions name="Time" conditions={null} value={() => stamp(event.createdAt, zone)} />
          </>
        }
      >
        <time dateTime={event.createdAt} className="mono">
          {stamp(event.createdAt, zone)}
        </time>
        <span className="muted">
          {zone} · {ago(event.createdAt, now)}
        </span>
      </Field>
      <Field
        label="Time (UTC)"
        actions={<ValueActions name="Time (UTC)" conditions={null} value={() => event.createdAt} />}
      >
        <span className="mono">{event.createdAt}</span>
      </Field>
    </>
  );
}

function Field({ label, actions, children }: { label: string; actions: ReactNode; children: ReactNode }) {
  return (
    <div className="event-field">
      <dt>{label}</dt>
      <dd>
        <span className="event-value">{children}</span>
        <span className="event-actions">{actions}</span>
      </dd>
    </div>
  );
}
