import type { Piece } from "../search/marks.ts";
import { visible } from "./text.ts";

/** Marked writes a text with what matched the filter marked. */
export function Marked({ pieces }: { pieces: readonly Piece[] }) {
  let at = 0;
  return pieces.map(({ text, marked }) => {
    const key = at;
    at += text.length;
    return marked ? <mark key={key}>{visible(text)}</mark> : <span key={key}>{visible(text)}</span>;
  });
}
