import type { Row } from "./protocol.ts";

/** Kept is the rows that the page has, numbered from the first that ever came. The oldest go first. */
export class Kept {
  /** The number of the oldest row that is here, and that of the next one to come. */
  first = 0;
  next = 0;
  /** The memory that the rows take at most, in bytes. */
  bytes = 0;

  private rows: (Row | undefined)[] = [];
  private gone = 0; // of rows, at its beginning

  get size(): number {
    return this.next - this.first;
  }

  get(number: number): Row | undefined {
    return this.rows[number - this.first + this.gone];
  }

  push(row: Row) {
    this.rows.push(row);
    this.next++;
    this.bytes += weight(row);
  }

  /** replaceLast puts another row in the place of the newest. */
  replaceLast(row: Row) {
    const last = this.rows.length - 1;
    this.bytes += weight(row) - weight(this.rows[last]);
    this.rows[last] = row;
  }

  /** drop takes the oldest row out. */
  drop() {
    this.bytes -= weight(this.rows[this.gone]);
    this.rows[this.gone++] = undefined;
    this.first++;
    // Now and then, so that it costs next to nothing for each row.
    if (this.gone > 1000 && this.gone > this.rows.length / 2) {
      this.rows = this.rows.slice(this.gone);
      this.gone = 0;
    }
  }

  clear() {
    while (this.size > 0) this.drop();
  }
}

/** Strings take one or two bytes a character: two is at most. */
function weight(row: Row | undefined): number {
  return typeof row === "string" ? 2 * row.length + 32 : 400;
}
