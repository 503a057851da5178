import type { Stored } from "./store.ts";
export function CompareTab(_: { stored: Stored }) {
  return null;
}
