import type { Ref } from "react";
import { Problem } from "../api/client.ts";
import { useFilter } from "../state/filter.ts";
import { count } from "../state/numbers.ts";
import { Empty, Failed, Loading } from "../ui/state.tsx";
import { useWide } from "../ui/wide.ts";
import type { Density } from "./columns.tsx";
import type { Order, useSearch } from "./store.ts";
import { EventTable, type TableHandle } from "./table.tsx";

/** Below this width rows have two lines. */
const wideEnough = 640;

/** Results is the table of events, or why there is none. */
export function Results({
  search,
  zone,
  order,
  density,
  active,
  openId,
  onActive,
  onOpen,
  onOrder,
  onEnd,
  onMore,
  tableRef,
}: {
  search: ReturnType<typeof useSearch>;
  zone: string;
  order: Order;
  density: Density;
  active: number;
  openId: string | null;
  onActive: (index: number) => void;
  onOpen: (index: number) => void;
  onOrder: () => void;
  onEnd: () => void;
  onMore: () => void;
  tableRef: Ref<TableHandle>;
}) {
  const { query, rows, stale } = search;
  const wide = useWide(wideEnough);
  const retry = () => void query.refetch();

  if (!rows) {
    if (query.isError)
      return faulty(query.error) ? (
        <Empty title="The search can't be read">
          <p>The bar shows where its mistake is. Correct it there, and press Enter.</p>
        </Empty>
      ) : (
        <Failed error={query.error} retry={retry} />
      );
    return <Loading what="events" />;
  }
  return (
    <div className="results">
      {query.isError && !query.isFetchNextPageError && !faulty(query.error) && (
        <Failed error={query.error} retry={retry} />
      )}
      {query.failureCount > 0 && query.isFetching && (
        <p className="results-note" role="alert">
          Daybook doesn't answer. The page tries again by itself.
        </p>
      )}
      {rows.length === 0 && !stale ? (
        <Nothing />
      ) : (
        <EventTable
          ref={tableRef}
          rows={rows}
          zone={zone}
          order={order}
          density={density}
          narrow={!wide}
          stale={stale}
          complete={!query.hasNextPage}
          active={active}
          openId={openId}
          onActive={onActive}
          onOpen={onOpen}
          onOrder={onOrder}
          onEnd={onEnd}
        />
      )}
      <Foot search={search} onMore={onMore} />
    </div>
  );
}

/** faulty says whether an error is about q, which the bar shows at its place. */
function faulty(error: unknown): boolean {
  return error instanceof Problem && error.of("q") !== undefined;
}

/** Foot is the end of what is loaded, and the way to more of it. */
function Foot({ search, onMore }: { search: ReturnType<typeof useSearch>; onMore: () => void }) {
  const { query, rows = [], stale, last } = search;
  if (stale) return null;
  if (query.isFetchNextPageError)
    return (
      <p className="results-foot" role="alert">
        More events can't be loaded: {query.error.message}{" "}
        <button type="button" className="button" onClick={onMore}>
          Try again
        </button>
      </p>
    );
  if (query.isFetchingNextPage)
    return (
      <p className="results-foot" role="status">
        {count(rows.length)} loaded, more are coming …
      </p>
    );
  if (!query.hasNextPage)
    return rows.length > 0 ? <p className="results-foot">All {count(rows.length)} are loaded</p> : null;
  return (
    <p className="results-foot">
      {last?.partial ? "Time was up before the whole range was looked at. " : `${count(rows.length)} loaded `}
      <button type="button" className="button quiet" onClick={onMore}>
        {last?.partial ? "Go on searching" : "Load more"}
      </button>
    </p>
  );
}

/** Nothing says that no event matches, and what could be done about it. */
function Nothing() {
  const [filter, change] = useFilter();
  const narrowed = filter.q !== "" || filter.preset !== "";
  const timed = filter.from !== "" || filter.to !== "";
  return (
    <Empty title={narrowed ? "No event matches" : "There are no events in this time"}>
      <p>
        {timed
          ? "Take a longer time, or take out a condition."
          : narrowed
            ? "Take out a condition, or look for another text."
            : "Services publish events to the Kafka topic, or with POST /api/v1/events."}
      </p>
      <p>
        {timed && (
          <button type="button" className="button" onClick={() => change({ from: "", to: "" })}>
            All that is retained
          </button>
        )}{" "}
        {narrowed && (
          <button type="button" className="button" onClick={() => change({ q: "", preset: "" })}>
            Clear all filters
          </button>
        )}
      </p>
    </Empty>
  );
}
