/** One dispatched frame of an event stream. */
export interface Frame {
  name: string; // "message" where the stream names none
  id: string; // the last id of the stream so far, this frame's or an earlier one's
  data: string;
}

/** A line or a frame that grows beyond this many characters is no event of Daybook's. */
const maxFrame = 16 << 20;
const maxRetry = 24 * 3600 * 1000;

/**
 * SSEParser reads text/event-stream by the rules of the WHATWG HTML standard (9.2.6), however its bytes are cut
 * into pieces. The standard's UTF-8 decoding, which takes a leading byte order mark away, is part of it.
 */
export class SSEParser {
  /** The id that a reconnection sends: that of the last complete frame, be it one without data. */
  lastId = "";
  /** What the stream asked for as reconnection time, in milliseconds. */
  retry: number | undefined;

  private decoder = new TextDecoder();
  private rest = ""; // the line whose end has not come
  private afterCR = false; // the last line ended in CR: a LF that follows belongs to it
  private id = "";
  private name = "";
  private data: string | undefined;

  /** push reads a piece and returns the frames that it completes. A frame that never completes is dropped, as the standard asks. */
  push(bytes: Uint8Array): Frame[] {
    let text = this.decoder.decode(bytes, { stream: true });
    const frames: Frame[] = [];
    if (text === "") return frames;
    let at = 0;
    if (this.afterCR && text[0] === "\n") at = 1;
    this.afterCR = false;
    if (this.rest !== "") {
      text = this.rest + text.slice(at);
      at = 0;
    }
    let cr = text.indexOf("\r", at);
    for (;;) {
      const lf = text.indexOf("\n", at);
      if (cr >= 0 && cr < at) cr = text.indexOf("\r", at);
      const end = cr >= 0 && (lf < 0 || cr < lf) ? cr : lf;
      if (end < 0) break;
      this.line(text.slice(at, end), frames);
      at = end + 1;
      if (end === cr) {
        if (at === text.length) this.afterCR = true;
        else if (text[at] === "\n") at++;
      }
    }
    this.rest = text.slice(at);
    if (this.rest.length > maxFrame) throw new Error("a line of the stream is larger than 16 MiB");
    return frames;
  }

  private line(line: string, frames: Frame[]) {
    if (line === "") {
      this.lastId = this.id;
      if (this.data !== undefined) frames.push({ name: this.name || "message", id: this.id, data: this.data });
      this.data = undefined;
      this.name = "";
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return; // A comment.
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    switch (field) {
      case "event":
        this.name = value;
        break;
      case "data":
        this.data = this.data === undefined ? value : `${this.data}\n${value}`;
        if (this.data.length > maxFrame) throw new Error("a frame of the stream is larger than 16 MiB");
        break;
      case "id":
        if (!value.includes("\0")) this.id = value;
        break;
      case "retry":
        if (/^[0-9]+$/.test(value)) this.retry = Math.min(Number(value), maxRetry);
    }
  }
}
