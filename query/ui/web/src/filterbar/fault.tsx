import { Problem } from "../api/client.ts";
import { unitAt } from "../query/language.ts";

/** FaultPlace is q cut where its fault is. */
export interface FaultPlace {
  before: string;
  wrong: string; // "" at the end of q
  after: string;
  message: string;
}

/** faultOf returns where q is at fault, if that is what the error is about. */
export function faultOf(error: unknown, q: string): FaultPlace | null {
  const fault = error instanceof Problem ? error.of("q") : undefined;
  if (!fault) return null;
  const from = unitAt(q, fault.position ?? 0);
  // The word that begins there; a parenthesis or a quote is marked alone.
  const word = /^(?:[^\s()"]+|[()"])/.exec(q.slice(from))?.[0] ?? "";
  return {
    before: q.slice(0, from),
    wrong: word,
    after: q.slice(from + word.length),
    message: fault.message,
  };
}

/** shortened keeps the end of what stands before a fault, and the beginning of what stands behind it. */
function shortened(text: string, most: number, keepEnd: boolean): string {
  if (text.length <= most) return text;
  return keepEnd ? `…${text.slice(-most)}` : `${text.slice(0, most)}…`;
}

/** FaultText says what is wrong with q, and where. */
export function FaultText({ fault, id }: { fault: FaultPlace; id: string }) {
  return (
    <p role="alert" id={id} className="filterbar-fault">
      <code>
        {shortened(fault.before, 40, true)}
        <strong className="filterbar-wrong">{fault.wrong || "␣"}</strong>
        {shortened(fault.after, 20, false)}
      </code>
      <span>{fault.message}</span>
    </p>
  );
}
