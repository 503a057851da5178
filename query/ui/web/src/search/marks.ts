import type { Event, Highlight, Json } from "../api/types.ts";
import { at, columnOf, pathIn, textOf } from "../events/columns.ts";

// What matched, as pieces of what a list shows. The API counts code points; texts in JavaScript are UTF-16.

/** From a code point to before another. */
type Range = readonly [number, number];

/** Piece is a run of text; a marked one is what matched, and a name is that of a value of the payload. */
export interface Piece {
  text: string;
  marked?: boolean;
  name?: boolean;
}

/** Marks are the places of one event. */
export interface Marks {
  fields: Map<string, Range[]>;
  keys: Map<string, Range[]>; // by JSON pointer
  values: Map<string, Range[]>;
}

const none: Marks = { fields: new Map(), keys: new Map(), values: new Map() };

function add(to: Map<string, Range[]>, name: string, range: Range) {
  const list = to.get(name);
  if (list) list.push(range);
  else to.set(name, [range]);
}

/** marksOf sorts the highlights of an event by what they are of. */
export function marksOf(highlights: readonly Highlight[] | undefined): Marks {
  if (!highlights || highlights.length === 0) return none;
  const marks: Marks = { fields: new Map(), keys: new Map(), values: new Map() };
  for (const { field, start, end, parts } of highlights) {
    if (field !== "payload") add(marks.fields, field, [start, end]);
    for (const part of parts ?? [])
      add(part.of === "key" ? marks.keys : marks.values, part.pointer, [part.start, part.end]);
  }
  return marks;
}

/** What would break the line, or jump in it, is shown by a sign of the same length: places stay right. */
const controls = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;

function visible(text: string): string {
  return text.replace(controls, (character) =>
    character === "\n" || character === "\u2028" || character === "\u2029" ? "↵" : character === "\t" ? " " : "·",
  );
}

const surrogate = /[\ud800-\udfff]/;

/** unitOf turns a position in code points into one in UTF-16 units. */
function unitOf(text: string, points: number): number {
  let unit = 0;
  for (let i = 0; i < points && unit < text.length; i++) unit += (text.codePointAt(unit) as number) > 0xffff ? 2 : 1;
  return unit;
}

/**
 * cut cuts a text where its marks begin and end. A number may be shorter than it was written: what is behind its end is
 * left. show makes a text fit to be seen, without changing places; in a line, unless given.
 */
export function cut(raw: string, ranges: readonly Range[] | undefined, show = visible): Piece[] {
  const text = show(raw);
  if (!ranges || ranges.length === 0) return text ? [{ text }] : [];
  const unit = surrogate.test(text) ? (points: number) => unitOf(text, points) : (points: number) => points;
  const pieces: Piece[] = [];
  let done = 0;
  for (const [start, end] of ranges) {
    const from = Math.max(unit(start), done);
    const to = Math.min(unit(end), text.length);
    if (from >= to) continue;
    if (from > done) pieces.push({ text: text.slice(done, from) });
    pieces.push({ text: text.slice(from, to), marked: true });
    done = to;
  }
  if (done < text.length) pieces.push({ text: text.slice(done) });
  return pieces;
}

/** How much of one value a line has room for, and what stands before its first mark. */
const room = 160;
const before = 40;

/** shorten keeps the beginning of a long text, or the surroundings of its first mark. */
function shorten(pieces: Piece[]): Piece[] {
  let length = 0;
  for (const { text } of pieces) length += text.length;
  if (length <= room) return pieces;
  const kept: Piece[] = [];
  const lead = pieces[0];
  let rest = pieces;
  if (lead && !lead.marked && pieces.length > 1 && lead.text.length > before) {
    kept.push({ text: `…${lead.text.slice(-before)}` });
    rest = pieces.slice(1);
  }
  let left = room;
  for (const piece of rest) {
    if (left <= 0) break;
    kept.push(piece.text.length > left ? { ...piece, text: `${piece.text.slice(0, left)}…` } : piece);
    left -= piece.text.length;
  }
  return kept;
}

function pointerPart(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

function scalar(value: Json): boolean {
  return value === null || typeof value !== "object";
}

function written(value: Json): string {
  return value === null ? "null" : textOf(value);
}

/** A value of the payload, or a list of plain ones, with the names that lead to it. */
interface Leaf {
  names: { name: string; pointer: string }[];
  pointer: string;
  value: Json;
}

function* leaves(value: Json, pointer: string, names: Leaf["names"]): Generator<Leaf> {
  if (scalar(value) || (Array.isArray(value) && value.every(scalar))) {
    yield { names, pointer, value };
    return;
  }
  const entries = Array.isArray(value) ? value.map((one, i) => [String(i), one] as const) : Object.entries(value ?? {});
  for (const [name, one] of entries) {
    const to = `${pointer}/${pointerPart(name)}`;
    yield* leaves(one, to, [...names, { name, pointer: to }]);
  }
}

/** valuePieces writes a value, or a list of plain ones, with what matched in it. */
function valuePieces(value: Json, pointer: string, marks: Marks): Piece[] {
  if (!Array.isArray(value)) return cut(written(value), marks.values.get(pointer));
  return value.flatMap((one, i) => [
    ...(i > 0 ? [{ text: ", " }] : []),
    ...cut(written(one), marks.values.get(`${pointer}/${i}`)),
  ]);
}

/** A line has no room for more text than this, nor for more values; where marks are looked for, it is how many are looked at. */
const longest = 240;
const most = 14;
const mostLookedAt = 5000;

/** summaryPieces writes a payload in a line, what matched first. */
export function summaryPieces(payload: Json, marks: Marks): Piece[] {
  const looking = marks.keys.size + marks.values.size > 0;
  const matched: Leaf[] = [];
  const others: Leaf[] = [];
  let seen = 0;
  for (const leaf of leaves(payload, "", [])) {
    if (++seen > (looking ? mostLookedAt : most)) break;
    const hit =
      looking &&
      (leaf.names.some(({ pointer }) => marks.keys.has(pointer)) ||
        marks.values.has(leaf.pointer) ||
        (Array.isArray(leaf.value) && leaf.value.some((_, i) => marks.values.has(`${leaf.pointer}/${i}`))));
    (hit ? matched : others).push(leaf);
  }
  const pieces: Piece[] = [];
  let length = 0;
  let counted = 0;
  for (const leaf of [...matched, ...others].slice(0, most)) {
    for (; counted < pieces.length; counted++) length += (pieces[counted] as Piece).text.length;
    if (length > longest) break;
    if (pieces.length > 0) pieces.push({ text: "  " });
    leaf.names.forEach(({ name, pointer }, i) => {
      if (i > 0) pieces.push({ text: ".", name: true });
      for (const piece of cut(name, marks.keys.get(pointer))) pieces.push({ ...piece, name: true });
    });
    if (leaf.names.length > 0) pieces.push({ text: " ", name: true });
    pieces.push(...shorten(valuePieces(leaf.value, leaf.pointer, marks)));
  }
  return pieces;
}

/** cellPieces writes what a column shows of an event, with what matched in it. */
export function cellPieces(id: string, event: Event, zone: string, marks: Marks): Piece[] {
  if (id === "payload") return summaryPieces(event.payload, marks);
  const path = pathIn(id);
  if (!path) return cut(columnOf(id).text(event, zone), marks.fields.get(id));
  const value = at(event.payload, path);
  if (value === undefined || value === null) return [];
  const pointer = path.map((key) => `/${pointerPart(key)}`).join("");
  if (scalar(value) || (Array.isArray(value) && value.every(scalar)))
    return shorten(valuePieces(value, pointer, marks));
  return shorten(cut(textOf(value), undefined));
}
