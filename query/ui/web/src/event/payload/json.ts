// JSON as it was written. JSON.parse would lose digits of numbers (12345678901234567890, 1.30),
// the order of members whose names are numbers, and all but the last of members with one name.

export type Kind = "object" | "array" | "string" | "number" | "boolean" | "null";

/** A value, and where it is written. */
export interface Value {
  kind: Kind;
  text: string; // the whole document
  from: number;
  to: number;
  parent: Value | null;
  key: string | number | null; // its name in an object, its place in an array
  children: readonly Value[];
}

const none: readonly Value[] = [];
const number = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

class Reader {
  at = 0;
  constructor(readonly text: string) {}

  skip() {
    for (
      let c = this.text.charCodeAt(this.at);
      c === 32 || c === 10 || c === 13 || c === 9;
      c = this.text.charCodeAt(this.at)
    )
      this.at++;
  }

  /** take goes past a character, if it stands next. */
  take(character: string): boolean {
    this.skip();
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  need(character: string) {
    if (!this.take(character)) throw new SyntaxError(`no JSON: ${character} is missing at ${this.at}`);
  }

  /** string goes past a string and returns where its quotes are. */
  string(): [number, number] {
    this.skip();
    const from = this.at;
    this.need('"');
    for (;;) {
      const quote = this.text.indexOf('"', this.at);
      if (quote < 0) throw new SyntaxError(`no JSON: the string at ${from} has no end`);
      let slashes = 0;
      while (this.text[quote - 1 - slashes] === "\\") slashes++;
      this.at = quote + 1;
      if (slashes % 2 === 0) return [from, this.at];
    }
  }

  name(): string {
    const [from, to] = this.string();
    return decoded(this.text.slice(from, to));
  }

  value(parent: Value | null, key: string | number | null): Value {
    this.skip();
    const made: Value = { kind: "null", text: this.text, from: this.at, to: 0, parent, key, children: none };
    const first = this.text[this.at];
    if (first === "{" || first === "[") this.inside(made, first);
    else if (first === '"') {
      made.kind = "string";
      this.string();
    } else if (this.word("true") || this.word("false")) made.kind = "boolean";
    else if (!this.word("null")) {
      made.kind = "number";
      number.lastIndex = this.at;
      if (!number.test(this.text)) throw new SyntaxError(`no JSON: no value at ${this.at}`);
      this.at = number.lastIndex;
    }
    made.to = this.at;
    return made;
  }

  word(word: string): boolean {
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  inside(made: Value, open: "{" | "[") {
    const close = open === "{" ? "}" : "]";
    made.kind = open === "{" ? "object" : "array";
    this.at++;
    if (this.take(close)) return;
    const children: Value[] = [];
    do {
      let key: string | number = children.length;
      if (open === "{") {
        key = this.name();
        this.need(":");
      }
      children.push(this.value(made, key));
    } while (this.take(","));
    this.need(close);
    made.children = children;
  }
}

function decoded(written: string): string {
  return written.includes("\\") ? (JSON.parse(written) as string) : written.slice(1, -1);
}

/** read reads a document. It throws a SyntaxError where the text is no JSON. */
export function read(text: string): Value {
  const reader = new Reader(text);
  const value = reader.value(null, null);
  reader.skip();
  if (reader.at < text.length) throw new SyntaxError(`no JSON: it goes on at ${reader.at}`);
  return value;
}

/** written returns a value as it was sent. */
export function written(value: Value): string {
  return value.text.slice(value.from, value.to);
}

/** plain returns what a value says: strings without quotes and escapes, everything else as it was sent. */
export function plain(value: Value): string {
  return value.kind === "string" ? decoded(written(value)) : written(value);
}

/** branch says whether a value can be unfolded. */
export function branch(value: Value): boolean {
  return value.children.length > 0;
}

/** member returns the value of a name: the last, where the object has several. */
export function member(object: Value, name: string): Value | undefined {
  return object.kind === "object" ? object.children.findLast((child) => child.key === name) : undefined;
}

/** keysOf returns what leads from a root to a value below it. */
export function keysOf(value: Value, root: Value): (string | number)[] {
  const keys: (string | number)[] = [];
  for (let at = value; at !== root && at.parent && at.key !== null; at = at.parent) keys.push(at.key);
  return keys.reverse();
}

/** pointerTo returns the JSON pointer (RFC 6901) of a key below a pointer. */
export function pointerTo(pointer: string, key: string | number): string {
  return `${pointer}/${typeof key === "number" ? key : key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** keysIn returns the keys that a JSON pointer names, all as texts. */
export function keysIn(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** indented writes a value over several lines; each name and value stays as it was sent. */
export function indented(value: Value, indent = ""): string {
  if (!branch(value)) return written(value);
  const [open, close] = value.kind === "object" ? "{}" : "[]";
  const inner = `${indent}  `;
  const lines = value.children.map((child) => {
    const name = value.kind === "object" ? `${JSON.stringify(child.key)}: ` : "";
    return inner + name + indented(child, inner);
  });
  return `${open}\n${lines.join(",\n")}\n${indent}${close}`;
}
