import { keysIn, member, plain, type Value, written } from "../payload/json.ts";

// Two payloads side by side. What differs is what the server's patch (RFC 6902) says: it is applied to the
// one payload, and what it takes out stays as a shadow.

export type Change = "added" | "removed" | "changed";

/** A place in the two payloads. */
export interface Compared {
  key: string | number | null;
  before: Value | null;
  after: Value | null;
  change: Change | null; // null: here nothing changes, but may below
  children: Compared[];
}

function same(value: Value): Compared {
  return { key: value.key, before: value, after: value, change: null, children: value.children.map(same) };
}

/** compared applies a patch to a payload. It throws where the patch is not of this payload. */
export function compared(payload: Value, patch: Value): Compared {
  const root = same(payload);
  for (const operation of patch.children) {
    const [op, path] = ["op", "path"].map((name) => {
      const value = member(operation, name);
      return value ? plain(value) : "";
    }) as [string, string];
    const value = member(operation, "value") ?? null;
    if (path === "") Object.assign(root, { after: value, change: "changed", children: [] });
    else apply(root, op, keysIn(path), value);
  }
  return root;
}

function apply(root: Compared, op: string, keys: readonly string[], value: Value | null) {
  let parent = root;
  for (const key of keys.slice(0, -1)) parent = found(parent, key);
  const key = keys.at(-1) as string;
  if (op === "add") {
    const list = parent.before?.kind === "array";
    const made: Compared = { key, before: null, after: value, change: "added", children: [] };
    const at = list ? placeOf(parent.children, Number(key)) : parent.children.length;
    parent.children.splice(at, 0, made);
    return;
  }
  const target = found(parent, key);
  // What was added a moment ago and changes again is still new.
  if (op === "remove") Object.assign(target, { after: null, change: "removed", children: [] });
  else Object.assign(target, { after: value, change: target.before ? "changed" : "added", children: [] });
}

/** placeOf returns where the n-th of those that are left stands. */
function placeOf(children: readonly Compared[], n: number): number {
  let left = 0;
  for (let i = 0; i < children.length; i++) {
    if (children[i]?.change === "removed") continue;
    if (left === n) return i;
    left++;
  }
  return children.length;
}

function found(parent: Compared, key: string): Compared {
  const child =
    parent.before?.kind === "array"
      ? parent.children[placeOf(parent.children, Number(key))]
      : parent.children.findLast((one) => one.key === key && one.change !== "removed");
  if (!child) throw new Error(`the difference names ${key}, which the payload does not have`);
  return child;
}

/** A row of the comparison: a value that changes, or one that is the same in both. */
export interface ComparedRow {
  path: string;
  change: Change | null;
  before: string | null; // as JSON; null: it is not there
  after: string | null;
}

/** comparedRows returns a row for each value: for those that change, or also for all others. */
export function comparedRows(root: Compared, all: boolean): ComparedRow[] {
  const rows: ComparedRow[] = [];
  const walk = (at: Compared, path: string) => {
    if (at.change === null && at.children.length > 0) {
      let later = 0;
      for (const child of at.children) {
        // An element that is added has the place that it has then; others have the one they had.
        const key = typeof child.key === "number" || at.before?.kind !== "array" ? child.key : later;
        if (child.change !== "removed") later++;
        walk(child, join(path, key, at.before?.kind === "array"));
      }
      return;
    }
    if (at.change === null && !all) return;
    rows.push({
      path,
      change: at.change,
      before: at.before ? written(at.before) : null,
      after: at.after ? written(at.after) : null,
    });
  };
  walk(root, "");
  return rows;
}

function join(path: string, key: string | number | null, element: boolean): string {
  if (element) return `${path}[${key}]`;
  const name = key === "" ? '""' : String(key);
  return path ? `${path}.${name}` : name;
}

/** comparedMembers returns how the members of two events differ besides the payload; ids and times always do. */
export function comparedMembers(before: Value, after: Value, all: boolean): ComparedRow[] {
  const skipped = new Set(["payload", "eventId", "createdAt", "ingestedAt"]);
  const names = [...new Set([...before.children, ...after.children].map(({ key }) => String(key)))];
  return names
    .filter((name) => !skipped.has(name))
    .map((name): ComparedRow => {
      const [a, b] = [member(before, name), member(after, name)];
      const texts = { before: a ? written(a) : null, after: b ? written(b) : null };
      const change = !a ? "added" : !b ? "removed" : texts.before !== texts.after ? "changed" : null;
      return { path: name, change, ...texts };
    })
    .filter(({ change }) => all || change !== null);
}

/** changedPart returns the middle in which two texts differ: where it begins, and where it ends in each. */
export function changedPart(a: string, b: string): { from: number; toA: number; toB: number } {
  const least = Math.min(a.length, b.length);
  let from = 0;
  while (from < least && a[from] === b[from]) from++;
  let tail = 0;
  while (tail < least - from && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  return { from, toA: a.length - tail, toB: b.length - tail };
}
