import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { FilterObject, Preset } from "../api/types.ts";
import { type Filter, filterParameters } from "../state/filter.ts";
import { addressWith } from "../state/location.ts";

const path = "/api/v1/presets";
const cached = ["presets"];

/** usePresets returns the presets that the caller sees. */
export function usePresets() {
  return useQuery({
    queryKey: cached,
    queryFn: ({ signal }) => call<{ presets: Preset[] }>(path, { signal }).then((answer) => answer.presets),
    staleTime: 30_000,
  });
}

export interface NewPreset {
  name: string;
  filter: FilterObject;
  shared: boolean;
}

/** useSavePreset creates a preset, or changes the one that is given. A change that somebody else made meanwhile is not overwritten: Problem 412. */
export function useSavePreset() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ preset, changes }: { preset?: Preset; changes: NewPreset }) =>
      preset
        ? call<Preset>(`${path}/${encodeURIComponent(preset.id)}`, {
            method: "PUT",
            body: changes,
            headers: { "If-Match": etag(preset) },
          })
        : call<Preset>(path, { method: "POST", body: changes }),
    onSettled: () => client.invalidateQueries({ queryKey: cached }),
  });
}

export function useDeletePreset() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (preset: Preset) =>
      call<void>(`${path}/${encodeURIComponent(preset.id)}`, {
        method: "DELETE",
        headers: { "If-Match": etag(preset) },
      }),
    onSettled: () => client.invalidateQueries({ queryKey: cached }),
  });
}

function etag(preset: Preset): string {
  return `"${preset.version}"`;
}

/** filterObject returns what a preset of the filter keeps: what is in the address, and what its preset has, which it may narrow. */
export function filterObject(filter: Filter, base?: Preset): FilterObject {
  const kept: FilterObject = { ...base?.filter };
  if (filter.q) {
    const before = typeof kept["q"] === "string" ? kept["q"] : "";
    kept["q"] = before ? `(${before}) ${filter.q}` : filter.q;
  }
  if (filter.from || filter.to) {
    // A range replaces the preset's whole one: half of each would be neither.
    delete kept["from"];
    delete kept["to"];
    if (filter.from) kept["from"] = filter.from;
    if (filter.to) kept["to"] = filter.to;
  }
  // Date math needs the zone that it was meant in.
  if (/now/.test(`${kept["from"] ?? ""}${kept["to"] ?? ""}${kept["q"] ?? ""}`)) kept["tz"] ??= filter.tz;
  return kept;
}

const defaultName = (tenant: string) => `daybook.default-preset.${tenant}`;

/** defaultPreset returns the id of the preset with which this browser starts a search of the tenant, or "". */
export function defaultPreset(tenant: string): string {
  try {
    return localStorage.getItem(defaultName(tenant)) ?? "";
  } catch {
    return ""; // The browser keeps nothing: then nothing is the default.
  }
}

/** setDefaultPreset makes a preset the default of this browser; "" takes it back. */
export function setDefaultPreset(tenant: string, id: string) {
  try {
    if (id) localStorage.setItem(defaultName(tenant), id);
    else localStorage.removeItem(defaultName(tenant));
  } catch {
    // As above.
  }
}

/** startAddress returns where a visit without a filter starts: the address of the default preset, or null. */
export function startAddress(tenant: string, path: string, params: URLSearchParams): string | null {
  const id = defaultPreset(tenant);
  if (!id || path !== "/" || filterParameters.some((name) => params.has(name))) return null;
  return addressWith(path, params.toString(), { preset: id });
}

/** words says what a preset finds, a condition a line. */
export function words(filter: FilterObject): string[] {
  return Object.entries(filter).map(
    ([name, value]) => `${name}: ${Array.isArray(value) ? value.join(" or ") : String(value)}`,
  );
}
