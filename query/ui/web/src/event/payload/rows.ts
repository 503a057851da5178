import { branch, keysIn, pointerTo, type Value } from "./json.ts";

// What a tree shows, row by row. What has many children shows them in slices, so that unfolding
// something large costs no more than unfolding something small.

/** The most children that are shown at once. */
export const sliceSize = 100;

/** A row of the tree: a value, or a slice of the children of one. */
export interface Row {
  id: string; // the value's JSON pointer; of a slice, with #FROM-TO behind it
  value: Value;
  slice: readonly [from: number, to: number] | null;
  level: number; // from 1
  position: number; // among its siblings, from 1
  siblings: number;
  open: boolean | null; // null: there is nothing to unfold
}

/** A span is a run of a value's children: all of them, or those of a slice. */
type Span = readonly [from: number, to: number];

function partsOf([from, to]: Span): Span[] | null {
  const many = to - from;
  if (many <= sliceSize) return null;
  let step = sliceSize;
  while (many / step > sliceSize) step *= sliceSize;
  const parts: Span[] = [];
  for (let at = from; at < to; at += step) parts.push([at, Math.min(at + step, to)]);
  return parts;
}

function sliceId(pointer: string, [from, to]: Span): string {
  return `${pointer}#${from}-${to}`;
}

/** rowsOf returns the rows below a value, as far as they are unfolded. */
export function rowsOf(root: Value, open: ReadonlySet<string>): Row[] {
  const rows: Row[] = [];
  const walk = (value: Value, pointer: string, span: Span, level: number) => {
    const parts = partsOf(span);
    if (parts) {
      parts.forEach((part, i) => {
        const id = sliceId(pointer, part);
        const unfolded = open.has(id);
        rows.push({ id, value, slice: part, level, position: i + 1, siblings: parts.length, open: unfolded });
        if (unfolded) walk(value, pointer, part, level + 1);
      });
      return;
    }
    for (let i = span[0]; i < span[1]; i++) {
      const child = value.children[i] as Value;
      // Of members with one name, each has a row of its own.
      const id = idOf(value, pointer, i);
      const unfolded = branch(child) ? open.has(id) : null;
      rows.push({
        id,
        value: child,
        slice: null,
        level,
        position: i - span[0] + 1,
        siblings: span[1] - span[0],
        open: unfolded,
      });
      if (unfolded) walk(child, id, [0, child.children.length], level + 1);
    }
  };
  walk(root, "", [0, root.children.length], 1);
  return rows;
}

function idOf(value: Value, pointer: string, i: number): string {
  const key = (value.children[i] as Value).key ?? i;
  const id = pointerTo(pointer, key);
  if (value.kind === "array") return id;
  // The last of a name is what its pointer means; those before it are told apart.
  for (let later = i + 1; later < value.children.length && later - i <= sliceSize; later++)
    if (value.children[later]?.key === key) return `${id}#${i}`;
  return id;
}

/** startOpen returns what is unfolded at first: level by level, while there is room for so many rows. */
export function startOpen(root: Value, room = 60): Set<string> {
  const open = new Set<string>();
  let left = room - shownChildren(root);
  let level: [Value, string][] = [[root, ""]];
  while (level.length > 0 && left > 0) {
    const next: [Value, string][] = [];
    for (const [value, pointer] of level) {
      if (value.children.length > sliceSize) continue;
      for (let i = 0; i < value.children.length; i++) {
        const child = value.children[i] as Value;
        if (!branch(child) || shownChildren(child) > left) continue;
        const id = idOf(value, pointer, i);
        left -= shownChildren(child);
        open.add(id);
        next.push([child, id]);
      }
    }
    level = next;
  }
  return open;
}

function shownChildren(value: Value): number {
  return partsOf([0, value.children.length])?.length ?? value.children.length;
}

/** leadingTo returns what has to be unfolded for a JSON pointer's value to be seen. */
export function leadingTo(root: Value, pointer: string): string[] {
  const ids: string[] = [];
  let value = root;
  let at = "";
  const keys = keysIn(pointer);
  keys.forEach((key, depth) => {
    const i = value.children.findLastIndex((child) => String(child.key) === key);
    const child = value.children[i];
    if (!child) return;
    let span: Span = [0, value.children.length];
    for (let parts = partsOf(span); parts; parts = partsOf(span)) {
      span = parts.find(([from, to]) => i >= from && i < to) as Span;
      ids.push(sliceId(at, span));
    }
    at = pointerTo(at, key);
    value = child;
    if (depth < keys.length - 1) ids.push(at);
  });
  return ids;
}

/** everything returns all that can be unfolded, while there is room for so many rows; whole says whether there was. */
export function everything(root: Value, room: number): { open: Set<string>; whole: boolean } {
  const open = new Set<string>();
  let rows = 0;
  const walk = (value: Value, pointer: string, span: Span): boolean => {
    const parts = partsOf(span);
    rows += parts?.length ?? span[1] - span[0];
    if (rows > room) return false;
    if (parts)
      return parts.every((part) => {
        open.add(sliceId(pointer, part));
        return walk(value, pointer, part);
      });
    for (let i = span[0]; i < span[1]; i++) {
      const child = value.children[i] as Value;
      if (!branch(child)) continue;
      const id = idOf(value, pointer, i);
      open.add(id);
      if (!walk(child, id, [0, child.children.length])) return false;
    }
    return true;
  };
  const whole = walk(root, "", [0, root.children.length]);
  return { open, whole };
}
