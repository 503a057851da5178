import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { call, Problem, request } from "../api/client.ts";
import type { Count, Event, Facets, Highlight, Histogram, SearchPage } from "../api/types.ts";
import { withoutField } from "../query/conditions.ts";
import { type Filter, queryOf } from "../state/filter.ts";
import { parseExactly } from "./exact.ts";

// What the search asks the server. A run is one asking: what was answered in it is not asked again, and
// the next one asks for everything anew.

export type Order = "desc" | "asc";

/** The first page is what the window shows, so that it comes soon; those behind it are for people who scroll. */
const firstPage = () => Math.max(40, Math.ceil(window.innerHeight / 22));
const nextPages = 500;

/** What the server gives at most, where it has been set to less than is asked for. */
let serversMost = Number.POSITIVE_INFINITY;

/** askPage asks for a page, and for a smaller one where the server has refused its size. */
async function askPage(query: URLSearchParams, cursor: string, signal: AbortSignal): Promise<SearchPage> {
  const wanted = Math.min(cursor ? nextPages : firstPage(), serversMost);
  query.set("limit", String(wanted));
  if (cursor) query.set("cursor", cursor);
  try {
    const answer = await request("/api/v1/events", { query, signal });
    return parseExactly<SearchPage>(await answer.text());
  } catch (error) {
    const most = error instanceof Problem ? /to (\d+)/.exec(error.of("limit")?.message ?? "")?.[1] : undefined;
    if (most === undefined || Number(most) >= wanted) throw error;
    serversMost = Number(most);
    return askPage(query, cursor, signal);
  }
}

/** Found is an event of the table, and where it matches. */
export interface Found {
  event: Event;
  highlights: Highlight[] | undefined;
}

/** useKept returns the data, or while there are none, those of before; stale says that they are of before. */
export function useKept<T>(data: T | undefined): { data: T | undefined; stale: boolean } {
  const last = useRef(data);
  if (data !== undefined) last.current = data;
  return { data: data ?? last.current, stale: data === undefined && last.current !== undefined };
}

/** useSearch returns the events that match, page after page. */
export function useSearch(filter: Filter, order: Order, run: number) {
  const highlight = filter.q !== "" || filter.preset !== "";
  const text = queryOf(filter, {
    order: order === "asc" ? "asc" : undefined,
    highlight: highlight ? "true" : undefined,
  }).toString();
  const query = useInfiniteQuery({
    queryKey: ["search", text, run],
    queryFn: ({ pageParam, signal }) => askPage(new URLSearchParams(text), pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (last: SearchPage) => last.nextCursor,
    structuralSharing: false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
  const kept = useKept(query.data);
  const pages = kept.data?.pages;
  const rows = useMemo(() => pages?.flatMap(foundOn), [pages]);
  return { query, rows, stale: kept.stale, first: pages?.[0]?.meta, last: pages?.at(-1)?.meta };
}

const foundOnPages = new WeakMap<SearchPage, Found[]>();

/** foundOn returns a page's events, the same each time: a row that has not changed is not painted again. */
function foundOn(page: SearchPage): Found[] {
  let found = foundOnPages.get(page);
  if (!found) {
    found = page.events.map((event, i) => ({ event, highlights: page.highlights?.[i] }));
    foundOnPages.set(page, found);
  }
  return found;
}

/**
 * useAfter is true once the first is done and painted, or has taken its time: what is less urgent leaves it the server
 * and the screen meanwhile.
 */
export function useAfter(done: boolean, key: string, ms = 300): boolean {
  const [after, setAfter] = useState("");
  useEffect(() => {
    const end = () => setAfter(key);
    const timers = [setTimeout(end, ms)];
    const frame = done ? requestAnimationFrame(() => timers.push(setTimeout(end))) : 0;
    return () => {
      cancelAnimationFrame(frame);
      timers.forEach(clearTimeout);
    };
  }, [done, key, ms]);
  return after === key;
}

/** useHistogram returns the counts by time and severity. */
export function useHistogram(filter: Filter, run: number, enabled: boolean) {
  const text = queryOf(filter).toString();
  return useQuery({
    queryKey: ["histogram", text, run],
    queryFn: ({ signal }) => call<Histogram>("/api/v1/events/histogram", { query: new URLSearchParams(text), signal }),
    enabled,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** useCount counts what matches when somebody asks: exactly, or where that takes too long, at least. */
export function useCount(filter: Filter, run: number, enabled: boolean) {
  const text = queryOf(filter, { limit: "1" }).toString();
  return useQuery({
    queryKey: ["count", text, run],
    queryFn: async ({ signal }) => {
      const ask = (count: "exact" | "capped") => {
        const query = new URLSearchParams(text);
        query.set("count", count);
        return call<SearchPage>("/api/v1/events", { query, signal }).then(({ meta }) => meta.count as Count);
      };
      try {
        return await ask("exact");
      } catch (error) {
        if (error instanceof Problem && error.status === 422) return ask("capped");
        throw error;
      }
    },
    enabled,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** How many values a facet shows at first, and how many when more are asked for. */
export const fewValues = 8;
export const manyValues = 100;

/**
 * useFacet returns the top values of a field. Those fields are asked for together of which the filter names no value
 * and nobody wants more; a field of which it does is counted without that, so that its other values can still be
 * chosen. Payloads take longer and keep nobody else waiting.
 */
export function useFacet(
  filter: Filter,
  field: string,
  fields: readonly string[],
  more: boolean,
  run: number,
  enabled: boolean,
) {
  const q = withoutField(filter.q, field);
  const alone = more || q !== filter.q;
  const inPayload = field.startsWith("payload.");
  const together = alone
    ? [field]
    : fields.filter(
        (other) => other.startsWith("payload.") === inPayload && withoutField(filter.q, other) === filter.q,
      );
  const text = queryOf({ ...filter, q }, { field: together, limit: String(more ? manyValues : fewValues) }).toString();
  return useQuery({
    queryKey: ["facets", text, run],
    queryFn: ({ signal }) => call<Facets>("/api/v1/events/facets", { query: new URLSearchParams(text), signal }),
    select: (answer) => answer.facets.find((facet) => facet.field === field),
    enabled,
    staleTime: Number.POSITIVE_INFINITY,
  });
}
