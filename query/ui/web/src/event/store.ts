import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { call, request } from "../api/client.ts";
import { allTenants, useSession } from "../api/session.tsx";
import type { Event, Meta, SearchPage } from "../api/types.ts";
import { type Marks, marksOf } from "../search/marks.ts";
import { filterOf, queryOf } from "../state/filter.ts";
import { addressWith, useParams } from "../state/location.ts";
import { member, read, type Value } from "./payload/json.ts";

// Events don't change: what has been read once is not asked for again while it is looked at.
const kept = { staleTime: Number.POSITIVE_INFINITY, gcTime: 60_000 };

/** An event, and the text that the server answered with: numbers stand there as they were sent. */
export interface Stored {
  text: string;
  event: Event;
  document: Value;
  payload: Value | undefined;
}

function addressOf(id: string): string {
  return `/api/v1/events/${encodeURIComponent(id)}`;
}

function storedAs(text: string): Stored {
  const document = read(text);
  return { text, event: JSON.parse(text) as Event, document, payload: member(document, "payload") };
}

/** useIncluded returns the parameter that lets the archive be read, where the filter of the address does. */
function useIncluded(): Record<string, string> {
  const [params] = useParams();
  const { include } = filterOf(params);
  return include ? { include } : {};
}

/** useEvent returns an event by its id. The one before stays until the new one is there; a call that nobody waits for ends. */
export function useEvent(id: string) {
  const { tenant } = useSession();
  const include = useIncluded();
  return useQuery({
    queryKey: ["event", tenant, id, include],
    queryFn: async ({ signal }) =>
      storedAs(await (await request(addressOf(id), { query: new URLSearchParams(include), signal })).text()),
    placeholderData: keepPreviousData,
    structuralSharing: false, // Values know their parents: rings.
    ...kept,
  });
}

/** useMarks returns where an event matches the filter of the address: by one more search, of its own instant alone. */
export function useMarks(event: Event | undefined, enabled: boolean): Marks {
  const { tenant } = useSession();
  const [params] = useParams();
  const filter = filterOf(params);
  const query = queryOf(filter, { eventId: event?.eventId, limit: "1", highlight: "true" });
  if (event) {
    query.set("from", event.createdAt);
    query.set("to", new Date(Date.parse(event.createdAt) + 1).toISOString());
  }
  const marks = useQuery({
    queryKey: ["event", tenant, "marks", query.toString()],
    queryFn: async ({ signal }) => {
      const page = await call<SearchPage>("/api/v1/events", { query, signal });
      const found = page.highlights?.[0] ?? [];
      // That it has its own id is no news.
      return marksOf(found.filter(({ field }) => field !== "eventId"));
    },
    enabled: enabled && event !== undefined && (filter.q !== "" || filter.preset !== ""),
    retry: false, // A filter that is refused is told about by the list.
    structuralSharing: false,
    ...kept,
  });
  return marks.data ?? marksOf(undefined);
}

/** The events of one correlation id. */
export interface Chain {
  correlationId: string;
  timeline: { offsetMs: number; event: Event }[];
  services: { source: string; events: number; firstMs: number; lastMs: number }[];
  durationMs: number;
  moreBefore: boolean;
  moreAfter: boolean;
}

/** What an actor did around an event. */
export interface Doings {
  actorType: string;
  actorId: string;
  before: Event[];
  after: Event[];
  moreBefore: boolean;
  moreAfter: boolean;
}

interface Around {
  event: Event;
  correlation: Chain | null;
  actor: Doings | null;
  meta: Meta;
}

/** The most events that the server gives on either side. */
export const mostAround = 500;

/** How many events are wanted on each side. */
export interface Extent {
  chain: number;
  before: number;
  after: number;
}

/** useAround returns what happened around an event. While more of it comes, what is there stays. */
export function useAround(id: string, extent: Extent) {
  const { tenant } = useSession();
  const query = new URLSearchParams(useIncluded());
  for (const [name, n] of Object.entries(extent)) query.set(name, String(n));
  return useQuery({
    queryKey: ["event", tenant, id, "context", query.toString()],
    queryFn: ({ signal }) => call<Around>(`${addressOf(id)}/context`, { query, signal }),
    placeholderData: (previous, before) => (before?.queryKey[2] === id ? previous : undefined),
    structuralSharing: false,
    staleTime: 30_000, // Others may join it.
    gcTime: 60_000,
  });
}

/** useDifference returns how the payload of an event differs from that of another: the answer as it was written. */
export function useDifference(id: string, other: string) {
  const { tenant } = useSession();
  const include = useIncluded();
  return useQuery({
    queryKey: ["event", tenant, id, "diff", other, include],
    queryFn: async ({ signal }) => {
      const query = new URLSearchParams({ with: other, ...include });
      const answer = await request(`${addressOf(id)}/diff`, { query, signal });
      return member(read(await answer.text()), "patch");
    },
    structuralSharing: false,
    ...kept,
  });
}

/** previousLike returns the last event before another that has the same values of fields; null where there is none. */
export async function previousLike(event: Event, fields: readonly string[], signal?: AbortSignal) {
  const query = new URLSearchParams({ limit: "1", to: event.createdAt });
  for (const field of fields) {
    const value = event[field];
    if (typeof value === "string") query.set(field, value);
  }
  const page = await call<SearchPage>("/api/v1/events", { query, ...(signal ? { signal } : {}) });
  return page.events[0]?.eventId ?? null;
}

/** idIn returns the id that somebody entered: itself, or that of the event that a link of this page opens. */
export function idIn(text: string): string {
  const entered = text.trim();
  if (!entered.includes("://")) return entered;
  return URL.parse(entered)?.searchParams.get("event") ?? entered;
}

/** How much time the list beside a shared event shows on either side of it. */
const besides = 60_000;

/** usePermalink returns the address that opens just an event: the list beside it begins a minute before and ends one after. */
export function usePermalink(): (event: Event) => string {
  const who = useSession();
  return (event) => {
    const at = Date.parse(event.createdAt);
    const second = (ms: number) => new Date(Math.floor(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");
    const path = addressWith("/", "", {
      event: event.eventId,
      from: second(at - besides),
      to: second(at + besides),
      tenant: who.tenantId === allTenants ? who.tenant : null,
    });
    return window.location.origin + path;
  };
}
