import { and, terms, without } from "../query/language.ts";
import { allTime, filterOf, sameFilterAt } from "../state/filter.ts";
import { addressWith, type Changes, go, useParams, usePath } from "../state/location.ts";
import { announce } from "../ui/announce.tsx";

/** The views whose list q filters; from others a condition leads to the search. */
const filtered = ["/", "/live", "/analysis"];

/** useNarrow returns whether q has a condition, and what puts one into it or takes it out again. */
export function useNarrow() {
  const path = usePath();
  const [params] = useParams();
  const here = filtered.includes(path);
  const { q } = filterOf(params);
  const standing = (text: string) => (here ? terms(q)?.find((term) => term.text === text) : undefined);
  const move = (changes: Changes) =>
    go(
      here
        ? addressWith(path, params.toString(), changes)
        : sameFilterAt("/", params, { event: params.get("event"), from: allTime, to: null, ...changes }),
    );
  return {
    has: (condition: string) => standing(condition) !== undefined,
    toggle: (condition: string) => {
      const term = standing(condition);
      move({ q: term ? without(q, term) : and(here ? q : "", condition) });
      announce(term ? `Taken out of the search: ${condition}` : `Added to the search: ${condition}`);
    },
    /** Narrows the range of time; what is named from is its beginning. */
    range: (change: { from: string } | { to: string }) => {
      move(change);
      announce("from" in change ? `The search begins at ${change.from}` : `The search ends at ${change.to}`);
    },
  };
}
