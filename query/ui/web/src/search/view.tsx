import { useCallback, useEffect, useRef, useState } from "react";
import { Problem } from "../api/client.ts";
import { EventPanel } from "../event/panel.tsx";
import { FilterBar } from "../filterbar/filterbar.tsx";
import { Histogram } from "../filterbar/histogram.tsx";
import { and, condition } from "../query/language.ts";
import { useFilter } from "../state/filter.ts";
import { useParams } from "../state/location.ts";
import { announce } from "../ui/announce.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { useShortcut } from "../ui/shortcuts.tsx";
import { useWide } from "../ui/wide.ts";
import { useDensity } from "./columns.tsx";
import { FacetPanel } from "./facets.tsx";
import { Results } from "./results.tsx";
import { type Order, useAfter, useCount, useHistogram, useKept, useSearch } from "./store.ts";
import type { TableHandle } from "./table.tsx";
import { Toolbar } from "./toolbar.tsx";
import "./search.css";

/** So wide has a window to be for facets beside the table, and for an event's panel too. */
const wideEnough = 900;
const wideWithPanel = 1240;

/** Each visit of the view asks anew. */
let runs = 0;

/** SearchView finds events: the filter, how many there are over time, facets, and the events themselves. */
export function SearchView() {
  const [filter, changeFilter] = useFilter();
  const [params, change] = useParams();
  const [run, setRun] = useState(() => ++runs);
  const order: Order = params.get("order") === "asc" ? "asc" : "desc";
  const search = useSearch(filter, order, run);
  const { query } = search;
  const asked = `${JSON.stringify(filter)} ${run}`;
  const calm = useAfter(!query.isFetching || query.isFetchingNextPage, asked);
  // What is wrong with the filter is wrong for each call: one says so.
  const refused = query.error instanceof Problem && query.error.status < 500;
  const histogram = useHistogram(filter, run, calm && !refused);
  const counts = useKept(histogram.data);
  // The histogram counts every event once: nobody has to be asked for their number again.
  const known = histogram.data !== undefined && !histogram.data.meta.partial;
  const [countAsked, setCountAsked] = useState("");
  const counted = useCount(filter, run, countAsked === asked);
  const [density] = useDensity();
  const openId = params.get("event");
  const wide = useWide(openId ? wideWithPanel : wideEnough);
  const facetsParam = params.get("side") !== "none";
  const [drawer, setDrawer] = useState(false);
  const table = useRef<TableHandle>(null);
  const { rows } = search;

  const [active, setActive] = useState(-1);
  // The row that the address opens is the one at hand.
  const opened = rows && openId ? rows.findIndex(({ event }) => event.eventId === openId) : -1;
  const at = active >= 0 && active < (rows?.length ?? 0) ? active : opened;
  // biome-ignore lint/correctness/useExhaustiveDependencies: Another filter's rows have no row at hand.
  useEffect(() => setActive(-1), [asked, order]);

  const open = (index: number) => {
    const found = rows?.[index];
    if (!found) return;
    setActive(index);
    change({ event: found.event.eventId, compare: null }, { replace: openId !== null });
  };
  const move = (index: number) => {
    if (!rows || rows.length === 0) return;
    const next = Math.max(0, Math.min(rows.length - 1, index));
    table.current?.show(next);
    // An open panel goes along.
    if (openId) open(next);
    else setActive(next);
  };
  const refresh = () => {
    setRun(++runs);
    announce("Asked again");
  };
  const narrowTo = (excluded: boolean) => {
    const found = rows?.[at];
    if (!found) return announce("Choose an event first, with j and k");
    changeFilter({ q: and(filter.q, condition("eventType", found.event.eventType, excluded)) });
    announce(`${excluded ? "Without" : "Only"} ${found.event.eventType}`);
  };
  const toggleFacets = () =>
    wide ? change({ side: facetsParam ? "none" : null }, { replace: true }) : setDrawer(!drawer);
  const toggleOrder = () => change({ order: order === "desc" ? "asc" : null }, { replace: true });

  // Arrows are for the table unless something else has the focus that scrolls.
  const nothingFocused = () => document.activeElement === document.body;
  useShortcut("j", "next event", () => move(at + 1));
  useShortcut("k", "previous event", () => move(at < 0 ? 0 : at - 1));
  useShortcut("ArrowDown", "next event", () => move(at + 1), true, nothingFocused);
  useShortcut("ArrowUp", "previous event", () => move(at < 0 ? 0 : at - 1), true, nothingFocused);
  useShortcut("g", "first event", () => move(0));
  useShortcut("G", "last event that is loaded", () => move((rows?.length ?? 0) - 1));
  useShortcut(["e", "Enter"], "open the event", () => open(Math.max(at, 0)));
  useShortcut("x", "leave out events of this one's type", () => narrowTo(true));
  useShortcut("X", "only events of this one's type", () => narrowTo(false));
  useShortcut("r", "search again", refresh);
  useShortcut("o", "newest or oldest first", toggleOrder);
  useShortcut("f", "show or hide facets", toggleFacets);

  const { fetchNextPage, hasNextPage, isFetching } = query;
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  // Where the time was up before a page was full, people say whether to go on.
  const goesOn = hasNextPage && !isFetching && !query.isError && search.last?.partial !== true && !search.stale;
  const atEnd = useCallback(() => {
    if (goesOn) more();
  }, [goesOn, more]);

  const facets = <FacetPanel run={run} enabled={calm && !refused} />;
  const beside = wide && facetsParam;

  return (
    <div className="search-frame">
      <div className="search">
        <h1 className="hidden-text">Search</h1>
        <FilterBar error={query.error} busy={query.isFetching && !query.isFetchingNextPage} onAgain={refresh} />
        <Histogram
          counts={counts.data}
          stale={counts.stale || search.stale}
          error={histogram.error}
          retry={histogram.refetch}
        />
        <Toolbar
          total={counted.data === undefined && known ? counts.data?.total : undefined}
          counted={counted.data}
          counting={counted.isFetching}
          onCount={!known && !histogram.isFetching && calm && !refused ? () => setCountAsked(asked) : undefined}
          meta={search.stale ? undefined : search.first}
          answeredAt={query.dataUpdatedAt}
          zone={filter.tz}
          order={order}
          facetsShown={wide ? facetsParam : drawer}
          onFacets={toggleFacets}
          onOrder={toggleOrder}
          onRefresh={refresh}
        />
        <div className={beside ? "search-body search-beside" : "search-body"}>
          {beside && (
            <aside className="search-side" aria-label="Facets">
              {facets}
            </aside>
          )}
          <Results
            search={search}
            zone={filter.tz}
            order={order}
            density={density}
            active={at}
            openId={openId}
            onActive={move}
            onOpen={open}
            onOrder={toggleOrder}
            onEnd={atEnd}
            onMore={more}
            tableRef={table}
          />
        </div>
        {drawer && !wide && (
          <Dialog title="Facets" side onClose={() => setDrawer(false)}>
            {facets}
          </Dialog>
        )}
      </div>
      <EventPanel
        previous={rows?.[opened - 1]?.event.eventId}
        next={opened < 0 ? undefined : rows?.[opened + 1]?.event.eventId}
      />
    </div>
  );
}
