import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { call } from "../api/client.ts";
import type { Field, Fields, FieldValues } from "../api/types.ts";
import { columns } from "../events/columns.ts";
import { canonical } from "../query/conditions.ts";
import { type Filter, queryOf } from "../state/filter.ts";

/** Which events the completion of q is about: those of the time and the preset. What is being typed narrows nothing yet. */
export function scopeOf(filter: Filter): Filter {
  return { ...filter, q: "" };
}

/** sampled is a filter as samples for completion are drawn by: the archive has none. */
function sampled(filter: Filter): Filter {
  return { ...filter, include: "" };
}

/** What is known of every event, for when the server can't be asked. */
const known: Field[] = columns
  .filter((column) => column.id !== "payload")
  .map((column) => ({ name: column.id, types: [], events: 0, share: 1, examples: [] }));

/** useSettled returns the value once it has not changed for a moment. */
export function useSettled<T>(value: T, ms = 150): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/**
 * useFields returns the fields that the events of a filter have. They are asked for once; where there are more
 * than an answer holds, also for those that have in them what is typed.
 */
export function useFields(filter: Filter, typed: string, enabled: boolean): Field[] {
  const scope = queryOf(sampled(filter)).toString();
  const ask = (search: string, signal: AbortSignal) => {
    const query = new URLSearchParams(scope);
    query.set("limit", "300");
    if (search) query.set("search", search);
    return call<Fields>("/api/v1/events/fields", { query, signal });
  };
  const all = useQuery({
    queryKey: ["fields", scope, ""],
    queryFn: ({ signal }) => ask("", signal),
    enabled,
    staleTime: 60_000,
    retry: false,
  });
  const search = useSettled(typed);
  const more = useQuery({
    queryKey: ["fields", scope, search],
    queryFn: ({ signal }) => ask(search, signal),
    enabled: enabled && search !== "" && all.data?.more === true,
    staleTime: 60_000,
    retry: false,
  });
  const found = all.data?.fields ?? known;
  if (!more.data) return found;
  const names = new Set(found.map((field) => field.name));
  return [...found, ...more.data.fields.filter((field) => !names.has(field.name))];
}

/** useValues returns the most frequent values of a field that begin with what is typed. */
export function useValues(filter: Filter, field: string, typed: string, enabled: boolean): FieldValues["values"] {
  const scope = queryOf(sampled(scopeOf(filter))).toString();
  const name = canonical(field);
  const prefix = useSettled(typed);
  const settled = prefix === typed;
  const values = useQuery({
    queryKey: ["values", scope, name, prefix],
    queryFn: ({ signal }) => {
      const query = new URLSearchParams(scope);
      query.set("field", name);
      if (prefix) query.set("prefix", prefix);
      return call<FieldValues>("/api/v1/events/values", { query, signal });
    },
    enabled: enabled && settled,
    staleTime: 60_000,
    retry: false,
  });
  // What an earlier prefix found stays until the answer for this one is there, as far as it still fits.
  const [last, setLast] = useState<{ name: string; values: FieldValues["values"] }>({ name: "", values: [] });
  useEffect(() => {
    if (values.data) setLast({ name, values: values.data.values });
  }, [values.data, name]);
  const found = settled && values.data ? values.data.values : last.name === name ? last.values : [];
  const wanted = typed.toLowerCase();
  return found.filter(({ value }) => value.toLowerCase().startsWith(wanted));
}
