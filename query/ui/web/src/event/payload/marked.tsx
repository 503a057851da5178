import { cut, type Marks } from "../../search/marks.ts";
import { visible } from "./text.ts";

type Ranges = ReturnType<Marks["fields"]["get"]>;

/** Marked writes a text with what matched the filter marked; over several lines, where it has them. */
export function Marked({ text, ranges }: { text: string; ranges: Ranges }) {
  let at = 0;
  return cut(text, ranges, visible).map((piece) => {
    const key = at;
    at += piece.text.length;
    return piece.marked ? <mark key={key}>{piece.text}</mark> : <span key={key}>{piece.text}</span>;
  });
}
