import type { Json } from "../api/types.ts";

/** What a reviver is told by browsers that know JSON.parse with source text access. */
interface Context {
  source?: string;
}

/**
 * parseExactly reads JSON and keeps each number as it was written: where JavaScript would write it otherwise, as
 * 450.00 or what has more digits than fit, it is a text. Old browsers, which don't tell, give the numbers.
 */
export function parseExactly<T>(text: string): T {
  const revive = (_: string, value: Json, context?: Context) =>
    typeof value === "number" && context?.source !== undefined && String(value) !== context.source
      ? context.source
      : value;
  return JSON.parse(text, revive) as T;
}
