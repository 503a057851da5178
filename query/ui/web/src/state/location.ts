import { useCallback, useSyncExternalStore } from "react";

// The address holds what a person looks at: reload, back, and sharing it give
// the same view. This is the one place that reads or writes it.

const listeners = new Set<() => void>();

function subscribe(listener: () => void) {
  listeners.add(listener);
  window.addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("popstate", listener);
  };
}

/** go moves to an address. With replace, the one before it can't be gone back to. */
export function go(address: string, { replace = false } = {}) {
  const now = window.location.pathname + window.location.search;
  if (address === now) return;
  if (replace) window.history.replaceState(null, "", address);
  else window.history.pushState(null, "", address);
  for (const listener of listeners) listener();
}

export function usePath(): string {
  return useSyncExternalStore(subscribe, () => window.location.pathname);
}

/** Changes to parameters: null or "" takes one out, a list sets it several times. */
export type Changes = Record<string, string | string[] | null | undefined>;

/** addressWith returns the path with parameters changed. */
export function addressWith(path: string, search: string, changes: Changes): string {
  const params = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    params.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) if (one) params.append(name, one);
  }
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}

/** useParams returns the address's parameters, and a way to change some of them. */
export function useParams(): [URLSearchParams, (changes: Changes, how?: { replace?: boolean }) => void] {
  const search = useSyncExternalStore(subscribe, () => window.location.search);
  const change = useCallback(
    (changes: Changes, how?: { replace?: boolean }) =>
      go(addressWith(window.location.pathname, window.location.search, changes), how),
    [],
  );
  return [new URLSearchParams(search), change];
}
