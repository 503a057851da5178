import type { Count, SearchPage } from "../api/types.ts";
import { count, events } from "../state/numbers.ts";
import { clock, length } from "../state/time.ts";
import { ColumnMenu } from "./columns.tsx";
import { ExportMenu } from "./export.tsx";
import type { Order } from "./store.ts";

/** Toolbar says how many events there are and how long it took, and has what is done with all of them. */
export function Toolbar({
  total,
  counted,
  counting,
  onCount,
  meta,
  answeredAt,
  zone,
  order,
  facetsShown,
  onFacets,
  onOrder,
  onRefresh,
}: {
  total: number | undefined;
  counted: Count | undefined;
  counting: boolean;
  onCount: (() => void) | undefined;
  meta: SearchPage["meta"] | undefined;
  answeredAt: number;
  zone: string;
  order: Order;
  facetsShown: boolean;
  onFacets: () => void;
  onOrder: () => void;
  onRefresh: () => void;
}) {
  return (
    <div className="toolbar">
      <button type="button" className="button" aria-pressed={facetsShown} onClick={onFacets}>
        Facets
      </button>
      <p className="toolbar-said" role="status">
        {total !== undefined ? (
          <strong>{events(total)}</strong>
        ) : counted ? (
          <strong>
            {counted.relation === "gte" && "at least "}
            {events(counted.value)}
          </strong>
        ) : (
          onCount && (
            <button type="button" className="button quiet" disabled={counting} onClick={onCount}>
              {counting ? "Counting …" : "Count them"}
            </button>
          )
        )}
        {meta && (
          <span className="muted" title={`${count(meta.rowsRead)} rows read, narrowed by ${meta.indexes.join(", ")}`}>
            {length(Math.max(meta.elapsedMs, 1))}
            {answeredAt > 0 && `, at ${clock(answeredAt, zone)}`}
          </span>
        )}
      </p>
      <span className="toolbar-tools">
        <button type="button" className="button" onClick={onOrder}>
          {order === "desc" ? "Newest first" : "Oldest first"}
        </button>
        <ColumnMenu />
        <ExportMenu />
        <button type="button" className="button" aria-label="Refresh" title="Refresh (r)" onClick={onRefresh}>
          <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" fill="none" stroke="currentColor">
            <path
              d="M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3"
              strokeWidth="1.5"
              strokeLinecap="round"
              strokeLinejoin="round"
            />
          </svg>
        </button>
      </span>
    </div>
  );
}
