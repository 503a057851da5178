import { Tabs } from "radix-ui";
import { type CSSProperties, useRef } from "react";
import { Problem } from "../api/client.ts";
import type { Event } from "../api/types.ts";
import { filterOf } from "../state/filter.ts";
import { useParams } from "../state/location.ts";
import { ago, stamp } from "../state/time.ts";
import { copy } from "../ui/announce.tsx";
import { SeverityMark } from "../ui/severity.tsx";
import { useShortcut } from "../ui/shortcuts.tsx";
import { Empty, Failed, Loading } from "../ui/state.tsx";
import { ActorTab } from "./around/actor.tsx";
import { ChainTab } from "./around/chain.tsx";
import { CompareTab } from "./compare/compare.tsx";
import { Contents } from "./contents.tsx";
import { narrowest, useFocus, useHeight, useWidth, widest } from "./frame.ts";
import { Icon } from "./icons.tsx";
import { useNow } from "./now.ts";
import { Raw } from "./raw.tsx";
import { type Stored, useEvent, usePermalink } from "./store.ts";
import "./panel.css";

/** Ids of the events before and after the one that is shown, where the view has a list. */
export interface Neighbours {
  previous?: string | undefined;
  next?: string | undefined;
}

/**
 * EventPanel shows the event whose id the address has as `event`, beside the list that it was opened from; without one
 * it is nothing. `compare` is the id of an event to compare with, `tab` which part of the panel is shown.
 */
export function EventPanel(neighbours: Neighbours) {
  const [params] = useParams();
  const id = params.get("event");
  return id ? <Panel id={id} neighbours={neighbours} /> : null;
}

const tabs = [
  ["event", "Event"],
  ["raw", "Raw JSON"],
  ["chain", "Chain"],
  ["actor", "Actor"],
  ["compare", "Compare"],
] as const;

function Panel({ id, neighbours }: { id: string; neighbours: Neighbours }) {
  const [params, change] = useParams();
  const stored = useEvent(id);
  const element = useRef<HTMLElement>(null);
  const { width, handle } = useWidth();
  useHeight(element);
  useFocus(element, id);

  const close = () => change({ event: null, compare: null, tab: null });
  useShortcut("Escape", "close the event", close);
  // What is shown while the next event comes is that of before: nothing is done with it.
  const data = stored.isPlaceholderData ? undefined : stored.data;
  const chosen = params.get("tab") ?? (params.has("compare") ? "compare" : "event");
  const tab = tabs.some(([name]) => name === chosen) ? chosen : "event";
  const event = stored.data?.event;

  return (
    <aside
      ref={element}
      className="event-panel"
      style={{ "--event-width": `${width}px` } as CSSProperties}
      aria-label={event ? `Event ${event.eventType}` : "Event"}
      aria-busy={data === undefined && !stored.isError}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: An hr can't be moved. */}
      <div
        role="separator"
        className="event-edge"
        tabIndex={0}
        aria-label="Width of the panel"
        aria-orientation="vertical"
        aria-valuenow={width}
        aria-valuemin={narrowest}
        aria-valuemax={widest}
        {...handle}
      />
      <Top id={id} event={event} ready={data !== undefined} neighbours={neighbours} onClose={close} />
      {stored.isPending && <Loading what="the event" />}
      {stored.isError && <NotThere error={stored.error} retry={() => void stored.refetch()} />}
      {stored.data && (
        <Tabs.Root
          className="event-body"
          value={tab}
          onValueChange={(to) => change({ tab: to }, { replace: true })}
          inert={data === undefined}
        >
          <Tabs.List className="event-tabs" aria-label="Parts of the event">
            {tabs.map(([name, label]) => (
              <Tabs.Trigger key={name} value={name} className="event-tab">
                {label}
              </Tabs.Trigger>
            ))}
          </Tabs.List>
          <Tabs.Content key={`${stored.data.event.eventId} ${tab}`} value={tab} className="event-content" tabIndex={-1}>
            <Tab name={tab} stored={stored.data} />
          </Tabs.Content>
        </Tabs.Root>
      )}
    </aside>
  );
}

function Tab({ name, stored }: { name: string; stored: Stored }) {
  switch (name) {
    case "raw":
      return <Raw stored={stored} />;
    case "chain":
      return <ChainTab event={stored.event} />;
    case "actor":
      return <ActorTab event={stored.event} />;
    case "compare":
      return <CompareTab stored={stored} />;
    default:
      return <Contents stored={stored} />;
  }
}

function Top({
  id,
  event,
  ready,
  neighbours: { previous, next },
  onClose,
}: {
  id: string;
  event: Event | undefined;
  ready: boolean;
  neighbours: Neighbours;
  onClose: () => void;
}) {
  const [params, change] = useParams();
  const permalink = usePermalink();
  const now = useNow();
  const { tz } = filterOf(params);
  const copyLink = () => event && void copy(permalink(event), "the link to this event");
  useShortcut("c", "copy the link to the event", () => copyLink(), ready);
  useShortcut("d", "compare the event with another", () => change({ tab: "compare" }, { replace: true }), ready);
  const open = (other: string) => change({ event: other }, { replace: true });
  return (
    <header className="event-head">
      <div className="event-title">
        <h2 tabIndex={-1}>{event?.eventType ?? id}</h2>
        {(previous ?? next) !== undefined && (
          <>
            <button
              type="button"
              className="sign-button"
              aria-label="Previous event in the list"
              title="Previous event in the list"
              disabled={previous === undefined}
              onClick={() => previous && open(previous)}
            >
              <Icon of="up" />
            </button>
            <button
              type="button"
              className="sign-button"
              aria-label="Next event in the list"
              title="Next event in the list"
              disabled={next === undefined}
              onClick={() => next && open(next)}
            >
              <Icon of="down" />
            </button>
          </>
        )}
        <button
          type="button"
          className="sign-button wide"
          title="Copy the link to this event (c)"
          disabled={!ready}
          onClick={copyLink}
        >
          <Icon of="link" /> Copy link
        </button>
        <button
          type="button"
          className="sign-button"
          aria-label="Close the event"
          title="Close (Esc)"
          onClick={onClose}
        >
          <Icon of="close" />
        </button>
      </div>
      {event && (
        <p className="event-line">
          <SeverityMark severity={event.severity} />
          <span className="mono">{stamp(event.createdAt, tz)}</span>
          <span className="muted">{ago(event.createdAt, now)}</span>
          {event.source && <span className="muted">{event.source}</span>}
        </p>
      )}
    </header>
  );
}

function NotThere({ error, retry }: { error: unknown; retry: () => void }) {
  if (!(error instanceof Problem && error.status === 404)) return <Failed error={error} retry={retry} />;
  return (
    <Empty title="There is no event with this id">
      <p>
        It may be older than the retention, after which events are purged (an admin sees under Status how long that is),
        of another tenant, or so new that it is not stored yet.
      </p>
      <button type="button" className="button" onClick={retry}>
        Look again
      </button>
    </Empty>
  );
}
