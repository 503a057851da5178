import { type FormEvent, useState } from "react";
import { EventPanel } from "../event/panel.tsx";
import { addressWith, useParams } from "../state/location.ts";
import { count } from "../state/numbers.ts";
import { localZone, second } from "../state/time.ts";
import { Link } from "../ui/link.tsx";
import { Empty, Failed, Loading } from "../ui/state.tsx";
import { type AuditFilter, type AuditPage, type AuditRecord, auditFilterOf, useAudit, useAuditTypes } from "./store.ts";
import "./audit.css";

/** AuditView is who did what, for admins: by type, by user, in pages with exact totals. */
export default function AuditView() {
  const [params] = useParams();
  const filter = auditFilterOf(params);
  const audit = useAudit(filter);
  return (
    <div className="audit">
      <div className="audit-list page">
        <h1>Audit log</h1>
        <p className="muted">
          Logins, keys, roles and other acts that matter for security. Looking at it is recorded in it.
        </p>
        <Conditions key={params.toString()} filter={filter} />
        {audit.isPending ? (
          <Loading what="the audit log" />
        ) : audit.isError ? (
          <Failed error={audit.error} retry={() => audit.refetch()} />
        ) : (
          <Records page={audit.data} filter={filter} stale={audit.isPlaceholderData} />
        )}
      </div>
      <Types chosen={filter.type} />
      <EventPanel />
    </div>
  );
}

function Conditions({ filter }: { filter: AuditFilter }) {
  const [, change] = useParams();
  const [user, setUser] = useState(filter.user);
  const [since, setSince] = useState(filter.since);
  const [until, setUntil] = useState(filter.until);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change({ user: user.trim(), since, until, page: null });
  };
  const any = filter.user || filter.type || filter.since || filter.until;
  return (
    <form className="audit-conditions" onSubmit={submit} aria-label="Filter the audit log">
      <label className="field">
        User id
        <input className="input" value={user} onChange={(event) => setUser(event.target.value)} placeholder="anybody" />
      </label>
      <label className="field">
        From (UTC)
        <input className="input" type="date" value={since} onChange={(event) => setSince(event.target.value)} />
      </label>
      <label className="field">
        Before (UTC)
        <input className="input" type="date" value={until} onChange={(event) => setUntil(event.target.value)} />
      </label>
      <button type="submit" className="button primary">
        Show
      </button>
      {any && (
        <button
          type="button"
          className="button quiet"
          onClick={() => change({ user: null, type: null, since: null, until: null, page: null })}
        >
          Show everything
        </button>
      )}
    </form>
  );
}

function Records({ page, filter, stale }: { page: AuditPage; filter: AuditFilter; stale: boolean }) {
  const [params] = useParams();
  if (page.audit_logs.length === 0)
    return (
      <Empty title="Nothing is recorded here">
        <p>
          {page.pagination.total > 0
            ? "This page is behind the last one."
            : "Widen the dates, or take out the type or the user."}
        </p>
        {page.pagination.total > 0 && (
          <Link
            className="button"
            to={addressWith("/audit", params.toString(), { page: String(page.pagination.total_pages) })}
          >
            Go to the last page
          </Link>
        )}
      </Empty>
    );
  return (
    <section aria-label="Records" aria-busy={stale} className={stale ? "audit-stale" : undefined}>
      <div className="scrolled">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Time ({localZone()})</th>
              <th scope="col">Who</th>
              <th scope="col">What</th>
              <th scope="col">Details</th>
              <th scope="col">From</th>
            </tr>
          </thead>
          <tbody>
            {page.audit_logs.map((record) => (
              <Row key={record.id} record={record} filter={filter} />
            ))}
          </tbody>
        </table>
      </div>
      <Pages page={page} />
    </section>
  );
}

function Row({ record, filter }: { record: AuditRecord; filter: AuditFilter }) {
  const [params] = useParams();
  const to = (changes: Record<string, string | null>) =>
    addressWith("/audit", params.toString(), { page: null, ...changes });
  return (
    <tr aria-current={params.get("event") === record.id ? "true" : undefined}>
      <td className="mono audit-time">
        <Link to={addressWith("/audit", params.toString(), { event: record.id })}>
          {second(record.created_at, localZone())}
        </Link>
      </td>
      <td>
        {record.user_id === null ? (
          <span className="muted">nobody known</span>
        ) : filter.user === record.user_id ? (
          (record.user_email ?? record.user_id)
        ) : (
          <Link to={to({ user: record.user_id })} title={`Only what ${record.user_id} did`}>
            {record.user_email ?? record.user_id}
          </Link>
        )}
      </td>
      <td className="mono">
        {filter.type === record.event_type ? (
          record.event_type
        ) : (
          <Link to={to({ type: record.event_type })}>{record.event_type}</Link>
        )}
      </td>
      <td className="mono audit-data">{JSON.stringify(record.event_data)}</td>
      <td className="audit-from">
        {record.ip_address ?? "–"}
        <span className="muted audit-agent" title={record.user_agent ?? undefined}>
          {record.user_agent}
        </span>
      </td>
    </tr>
  );
}

function Pages({ page }: { page: AuditPage }) {
  const [params] = useParams();
  const { page: current, total, total_pages: pages, limit } = page.pagination;
  const to = (n: number) => addressWith("/audit", params.toString(), { page: n > 1 ? String(n) : null });
  const first = (current - 1) * limit + 1;
  return (
    <nav className="audit-pages" aria-label="Pages">
      <span>
        {count(first)}–{count(Math.min(total, first + page.audit_logs.length - 1))} of {count(total)}
      </span>
      {current > 1 && (
        <>
          <Link className="button" to={to(1)}>
            First
          </Link>
          <Link className="button" to={to(current - 1)} rel="prev">
            Previous
          </Link>
        </>
      )}
      {current < pages && (
        <>
          <Link className="button" to={to(current + 1)} rel="next">
            Next
          </Link>
          <Link className="button" to={to(pages)}>
            Last
          </Link>
        </>
      )}
    </nav>
  );
}

function Types({ chosen }: { chosen: string }) {
  const [params] = useParams();
  const types = useAuditTypes();
  const most = types.data?.[0]?.count ?? 1;
  return (
    <aside className="audit-types" aria-label="By type">
      <h2>By type</h2>
      {types.isPending && <Loading what="the types" />}
      {types.isError && <Failed error={types.error} retry={() => types.refetch()} />}
      <ul>
        {types.data?.map(({ event_type: type, count: n }) => (
          <li key={type}>
            <Link
              to={addressWith("/audit", params.toString(), { type: type === chosen ? null : type, page: null })}
              aria-current={type === chosen ? "true" : undefined}
            >
              <span className="mono">{type}</span>
              <span className="number">{count(n)}</span>
              <span className="audit-share" style={{ width: `${(100 * n) / most}%` }} />
            </Link>
          </li>
        ))}
      </ul>
    </aside>
  );
}
