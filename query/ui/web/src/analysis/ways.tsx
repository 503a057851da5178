import { createContext, type ReactNode, useContext } from "react";
import { go, useParams } from "../state/location.ts";
import { announce } from "../ui/announce.tsx";
import { Link } from "../ui/link.tsx";
import { type Way, wayTo } from "./drill.ts";
import type { Line, Shape } from "./shape.ts";

/** Ways is the answer whose figures lead to their events. */
const Ways = createContext<Shape | null>(null);
export const WaysOf = Ways.Provider;

type Period = { from: number; to: number } | null;

/** useWay returns what leads from a figure to its events. */
export function useWay(): (line: Line | null, period: Period) => Way {
  const shape = useContext(Ways);
  const [params] = useParams();
  return (line, period) => (shape ? wayTo(params, shape, line, period) : { why: "There is no answer yet." });
}

/** follow goes where a way leads, or says why there is none. */
export function follow(way: Way) {
  if ("why" in way) return announce(way.why);
  go(way.to);
  if (way.note) announce(way.note);
}

/** ToEvents is a figure, or the name of a series, that leads to its events. */
export function ToEvents({
  line,
  period = null,
  children,
  className,
}: {
  line: Line | null;
  period?: Period;
  children: ReactNode;
  className?: string;
}) {
  const way = useWay()(line, period);
  if ("why" in way)
    return (
      <span className={className} title={way.why}>
        {children}
      </span>
    );
  return (
    <Link
      to={way.to}
      className={className}
      title={way.note ?? "Show these events"}
      onClick={() => way.note && announce(way.note)}
    >
      {children}
    </Link>
  );
}
