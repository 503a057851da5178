import { useMemo } from "react";
import { addressWith, type Changes, useParams } from "./location.ts";
import { localZone } from "./time.ts";

/** Which events: what search, live stream and analysis have in common. */
export interface Filter {
  q: string;
  from: string; // RFC 3339 or date math (now-15m); "" is all that is retained
  to: string;
  tz: string; // an IANA zone
  preset: string; // the id of a saved filter that holds as well; "" is none
  include: string; // "archive": also events older than the retention; "" is none of them
}

/** The parameters of the address that make the filter. */
export const filterParameters = ["q", "from", "to", "tz", "preset", "include"] as const;

/** What a first visit shows. */
export const defaultFrom = "now-24h";

/** All that is retained, in the address: its absence is defaultFrom. */
export const allTime = "all";

export function filterOf(params: URLSearchParams): Filter {
  const preset = params.get("preset") ?? "";
  // A preset has a time of its own, as a rule.
  const from = params.get("from") ?? (preset ? "" : defaultFrom);
  return {
    q: params.get("q") ?? "",
    from: from === allTime ? "" : from,
    to: params.get("to") ?? "",
    tz: params.get("tz") ?? localZone(),
    preset,
    include: params.get("include") ?? "",
  };
}

/** queryOf returns the filter as the API's parameters. */
export function queryOf(filter: Filter, more: Record<string, string | string[] | undefined> = {}): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of filterParameters) if (filter[name]) query.set(name, filter[name]);
  for (const [name, value] of Object.entries(more))
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined && one !== "") query.append(name, one);
  return query;
}

/** useFilter returns the filter in the address, and a way to change it. */
export function useFilter(): [Filter, (changes: Partial<Filter>, how?: { replace?: boolean }) => void] {
  const [params, change] = useParams();
  const text = params.toString();
  const filter = useMemo(() => filterOf(new URLSearchParams(text)), [text]);
  return [
    filter,
    (changes, how) => {
      const named: Changes = { ...changes };
      if (changes.from === "") named["from"] = filter.preset ? null : allTime;
      change(named, how);
    },
  ];
}

/** sameFilterAt returns the address of another view with the filter of this one. */
export function sameFilterAt(path: string, params: URLSearchParams, changes: Changes = {}): string {
  const kept = new URLSearchParams();
  for (const name of [...filterParameters, "tenant"]) for (const value of params.getAll(name)) kept.append(name, value);
  return addressWith(path, kept.toString(), changes);
}
