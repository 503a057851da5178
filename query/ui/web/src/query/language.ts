// What the page knows of the grammar of q (see /docs): enough to show its terms as
// chips, to complete fields and values, and to add and take out terms. Whether q is
// right is the server's to say.

/** A condition at the top level of q: a word, a quoted text, field:value, or a group. */
export interface Term {
  text: string; // as written, with its sign
  from: number; // in UTF-16 units of q
  to: number;
  excluded: boolean;
  field: string | null;
  value: string | null; // as written behind the colon
}

const space = /\s/;

/** atomEnd returns where the word, quoted text or group that begins at `at` ends. */
function atomEnd(q: string, at: number): number {
  let depth = 0;
  let i = at;
  while (i < q.length) {
    const c = q[i] as string;
    if (c === "\\") {
      i += 2;
      continue;
    }
    if (c === '"') {
      i++;
      while (i < q.length && q[i] !== '"') i += q[i] === "\\" ? 2 : 1;
      i++;
      // A quote ends the term unless a group goes on around it.
      if (depth === 0) return Math.min(i, q.length);
      continue;
    }
    if (c === "(") depth++;
    else if (c === ")") {
      if (depth === 0) return i === at ? i + 1 : i; // One that closes nothing stands alone.
      depth--;
      if (depth === 0) return i + 1;
    } else if (space.test(c) && depth === 0) return i;
    i++;
  }
  return q.length;
}

/** fieldOf splits field:value at the first colon that is not escaped and not in quotes. */
function fieldOf(atom: string): [string, string] | null {
  for (let i = 0; i < atom.length; i++) {
    const c = atom[i];
    if (c === "\\") i++;
    else if (c === '"' || c === "(") return null;
    else if (c === ":") return i === 0 ? null : [atom.slice(0, i), atom.slice(i + 1)];
  }
  return null;
}

/**
 * terms returns the conditions that all hold at the top level of q. It returns null where q is
 * alternatives (OR) there: then no term can be taken out without changing the others' meaning.
 */
export function terms(q: string): Term[] | null {
  const found: Term[] = [];
  let at = 0;
  let not: number | null = null;
  while (at < q.length) {
    if (space.test(q[at] as string)) {
      at++;
      continue;
    }
    const minus = q[at] === "-";
    const start = at;
    const end = atomEnd(q, minus ? at + 1 : at);
    const atom = q.slice(minus ? at + 1 : at, end);
    at = end;
    if (!minus && atom === "OR") return null;
    if (!minus && atom === "AND") continue;
    if (!minus && atom === "NOT") {
      not = start;
      continue;
    }
    const from: number = not ?? start;
    const split = fieldOf(atom);
    found.push({
      text: q.slice(from, end),
      from,
      to: end,
      excluded: minus || not !== null,
      field: split?.[0] ?? null,
      value: split?.[1] ?? null,
    });
    not = null;
  }
  return found;
}

/** without returns q with one of its terms taken out. */
export function without(q: string, term: Term): string {
  return `${q.slice(0, term.from).trimEnd()} ${q.slice(term.to).trimStart()}`.trim();
}

/** quote writes a value so that q takes it letter by letter. */
export function quote(value: string): string {
  if (
    /^[\p{L}\p{N}_@./+-][\p{L}\p{N}_@./+:-]*$/u.test(value) &&
    !/^(AND|OR|NOT)$/.test(value) &&
    !value.includes("..") &&
    !/^[-+]/.test(value)
  )
    return value;
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** pathOf writes the path of a key in a payload as q does: payload.customer.id. */
export function pathOf(keys: readonly (string | number)[]): string {
  // Elements of a list are found by the list's own path.
  const named = keys.filter((key): key is string => typeof key === "string");
  return `payload.${named.map((key) => key.replace(/[\\.\s():"<>*]/g, "\\$&")).join(".")}`;
}

/** condition writes field:value. */
export function condition(field: string, value: string, excluded = false): string {
  return `${excluded ? "-" : ""}${field}:${quote(value)}`;
}

/** and returns q with a condition added; one that stands there already is not added twice, and its contrary is taken out. */
export function and(q: string, added: string): string {
  const list = terms(q);
  if (list === null) return `(${q.trim()}) ${added}`;
  if (list.some((term) => term.text === added)) return q;
  const contrary = added.startsWith("-") ? added.slice(1) : `-${added}`;
  const opposed = list.find((term) => term.text === contrary);
  const rest = opposed ? without(q, opposed) : q.trim();
  return rest ? `${rest} ${added}` : added;
}

/** What stands at the caret: a field's name in the making, or a value of a field. */
export interface AtCaret {
  kind: "name" | "value";
  field: string; // of a value
  typed: string; // up to the caret, without quotes
  from: number; // what a completion replaces, in UTF-16 units
  to: number;
}

/** atCaret returns what a completion at the caret would complete. */
export function atCaret(q: string, caret: number): AtCaret {
  let start = caret;
  let quoted = false;
  for (let i = 0; i < caret; i++) {
    if (q[i] === "\\") i++;
    else if (q[i] === '"') quoted = !quoted;
  }
  if (quoted) start = q.lastIndexOf('"', caret - 1);
  while (start > 0 && !space.test(q[start - 1] as string) && q[start - 1] !== "(" && q[start - 1] !== ")") start--;
  if (q[start] === "-" && !quoted) start++;
  let end = caret;
  if (quoted) {
    const close = q.indexOf('"', caret);
    end = close < 0 ? q.length : close + 1;
  } else while (end < q.length && !space.test(q[end] as string) && q[end] !== ")" && q[end] !== "(") end++;
  const word = q.slice(start, caret);
  const split = fieldOf(word);
  if (!split) {
    // Inside field:( … ) values go on without the field's name.
    const open = q.slice(0, start).match(/(?:^|[\s(-])([^\s():"]+):\(([^()]*)$/);
    if (open) return { kind: "value", field: open[1] as string, typed: unquoted(word), from: start, to: end };
    return { kind: "name", field: "", typed: word, from: start, to: end };
  }
  return { kind: "value", field: split[0], typed: unquoted(split[1]), from: start + split[0].length + 1, to: end };
}

function unquoted(written: string): string {
  return written.startsWith('"') ? written.slice(1).replace(/\\(["\\])/g, "$1") : written;
}

/** unitAt turns the byte position of a fault into one in UTF-16 units. */
export function unitAt(text: string, bytes: number): number {
  let seen = 0;
  let unit = 0;
  for (const character of text) {
    if (seen >= bytes) break;
    const code = character.codePointAt(0) as number;
    seen += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    unit += character.length;
  }
  return unit;
}
