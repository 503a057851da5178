import { condition, pathOf } from "../../query/language.ts";
import { branch, keysOf, plain, type Value } from "./json.ts";

/** What can be asked of a value by q: that it is so, and that it is not. */
export interface Conditions {
  include: string;
  exclude: string;
  /** What the first one asks for, in words. */
  words: string;
}

/** Longer values would make addresses that no browser takes. */
const longest = 1000;

/** ofField returns the conditions on a field of events. */
export function ofField(field: string, value: string): Conditions | null {
  if (value.length > longest) return null;
  return {
    include: condition(field, value),
    exclude: condition(field, value, true),
    words: `${field} ${value}`,
  };
}

/**
 * ofValue returns the conditions on a value of a payload; null where q has none. What is in a list is found
 * by the list's path; what is deeper in it has no path of its own, and is found as a text anywhere.
 */
export function ofValue(value: Value, payload: Value): Conditions | null {
  const keys = keysOf(value, payload);
  const last = keys.at(-1);
  const above = typeof last === "number" ? keys.slice(0, -1) : keys;
  const named = above.length > 0 && above.every((key) => typeof key === "string" && key !== "");
  const path = pathOf(above);
  const inner = branch(value) || value.kind === "object" || value.kind === "array";
  if (inner || value.kind === "null") {
    if (!named || typeof last === "number") return null;
    const has = `${path}:*`;
    const lacks = `-${path}:*`;
    return inner
      ? { include: has, exclude: lacks, words: `events that have ${path}` }
      : { include: lacks, exclude: has, words: `events without ${path}` };
  }
  const text = plain(value);
  if (text.length > longest) return null;
  if (named) return ofField(path, text);
  if (text === "") return null;
  const quoted = `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  return { include: quoted, exclude: `-${quoted}`, words: `the text ${text} anywhere` };
}
