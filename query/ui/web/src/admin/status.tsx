import { useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { count } from "../state/numbers.ts";
import { ago, day, length, localZone, second } from "../state/time.ts";
import { Failed, Loading } from "../ui/state.tsx";

interface Gap {
  topic: string;
  partition: number;
  fromOffset: number;
  toOffset: number;
  messages: number;
  reason: string;
  noticedAt: string;
}

/** How the node is. Partitions and gaps are shown to keys of every tenant alone. */
interface StatusAnswer {
  version: string;
  ingest: {
    freshnessMs: number | null;
    lag: number;
    partitions?: { partition: number; committed: number; end: number; lag: number }[];
    gaps?: Gap[];
  };
  retention: { days: number; oldest: string | null; newest: string | null; holds: number };
  archive: { enabled: boolean; days: number; events: number; unverified: number; first: string | null };
}

/** Status shows whether ingest keeps up, what was lost, and how far back events reach. */
export function Status() {
  const status = useQuery({
    queryKey: ["status"],
    queryFn: ({ signal }) => call<StatusAnswer>("/api/v1/status", { signal }),
    refetchInterval: 5000,
  });
  return (
    <>
      <h1>Status</h1>
      {status.isPending ? (
        <Loading what="the status" />
      ) : !status.data ? (
        <Failed error={status.error} retry={() => status.refetch()} />
      ) : (
        <>
          {status.isError && (
            <p role="alert">
              This is from {ago(status.dataUpdatedAt)}: {status.error.message}
            </p>
          )}
          <Cards status={status.data} />
          {status.data.ingest.gaps && <Gaps gaps={status.data.ingest.gaps} />}
          {status.data.ingest.partitions && <Partitions partitions={status.data.ingest.partitions} />}
          <p className="muted">Daybook {status.data.version}</p>
        </>
      )}
    </>
  );
}

function Cards({ status: { ingest, retention, archive } }: { status: StatusAnswer }) {
  return (
    <dl className="admin-cards">
      <Card
        name="Ingest"
        value={ingest.lag === 0 ? "up to date" : `${count(ingest.lag)} behind`}
        note={ingest.lag === 0 ? "every published message is stored" : "messages that are published and not yet stored"}
      />
      <Card name="Freshness" {...freshness(ingest.freshnessMs, retention.newest)} />
      <Card
        name="Retention"
        value={`${count(retention.days)} days`}
        note={
          (retention.oldest
            ? `the oldest event is of ${day(retention.oldest, localZone())}`
            : "there is no event yet") +
          (retention.holds > 0 ? `; legal holds in force: ${count(retention.holds)}` : "")
        }
      />
      <Card name="Archive" value={archive.enabled ? "on" : "off"} note={archived(archive)} />
    </dl>
  );
}

/** archived puts into words what outlives the retention. */
function archived({ enabled, days, events, unverified, first }: StatusAnswer["archive"]): string {
  if (days === 0) {
    return enabled
      ? "the first closed day is still to be written to your bucket"
      : "after the retention events are purged";
  }
  const has = `your bucket has ${count(events)} events of ${count(days)} days since ${first ?? ""}`;
  return unverified === 0
    ? `${has}, each day read back and equal`
    : `${has}; ${count(unverified)} days are not verified`;
}

/** freshness puts into words what people find of what is published. */
function freshness(ms: number | null, newest: string | null): { value: string; note: string } {
  if (ms === null) return { value: "unknown", note: "nothing that is stored is near what is published" };
  if (ms > 0) return { value: length(ms), note: "is how old the newest message is that is stored" };
  return {
    value: "current",
    note: newest ? `the newest event is of ${second(newest, localZone())}` : "there is no event yet",
  };
}

function Card({ name, value, note }: { name: string; value: string; note: string }) {
  return (
    <div className="card">
      <dt>{name}</dt>
      <dd className="admin-figure">{value}</dd>
      <dd className="muted">{note}</dd>
    </div>
  );
}

function Gaps({ gaps }: { gaps: Gap[] }) {
  return (
    <section aria-label="Gaps">
      <h2>Gaps</h2>
      {gaps.length === 0 ? (
        <p className="muted">No message was lost before it was stored.</p>
      ) : (
        <div className="scrolled">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Noticed</th>
                <th scope="col">Topic</th>
                <th scope="col" className="number">
                  Partition
                </th>
                <th scope="col">Offsets</th>
                <th scope="col" className="number">
                  Messages
                </th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {gaps.map((gap) => (
                <tr key={`${gap.partition} ${gap.fromOffset}`}>
                  <td className="mono">{second(gap.noticedAt, localZone())}</td>
                  <td>{gap.topic}</td>
                  <td className="number">{gap.partition}</td>
                  <td className="mono">
                    {count(gap.fromOffset)} … {count(gap.toOffset)}
                  </td>
                  <td className="number">{count(gap.messages)}</td>
                  <td>{gap.reason}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Partitions({ partitions }: { partitions: NonNullable<StatusAnswer["ingest"]["partitions"]> }) {
  return (
    <section aria-label="Partitions">
      <h2>Partitions</h2>
      <table className="table admin-partitions">
        <thead>
          <tr>
            <th scope="col" className="number">
              Partition
            </th>
            <th scope="col" className="number">
              Stored up to
            </th>
            <th scope="col" className="number">
              End of the log
            </th>
            <th scope="col" className="number">
              Behind
            </th>
          </tr>
        </thead>
        <tbody>
          {partitions.map((partition) => (
            <tr key={partition.partition}>
              <td className="number">{partition.partition}</td>
              <td className="number">{count(partition.committed)}</td>
              <td className="number">{count(partition.end)}</td>
              <td className="number">{count(partition.lag)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
