import { useMemo, useState } from "react";
import { Problem } from "../../api/client.ts";
import type { Event } from "../../api/types.ts";
import { filterOf } from "../../state/filter.ts";
import { addressWith, useParams, usePath } from "../../state/location.ts";
import { stamp } from "../../state/time.ts";
import { copy } from "../../ui/announce.tsx";
import { Link } from "../../ui/link.tsx";
import { Empty, Failed, Loading } from "../../ui/state.tsx";
import { indented, type Value } from "../payload/json.ts";
import { type Stored, useDifference, useEvent } from "../store.ts";
import { compared, comparedMembers, comparedRows } from "./difference.ts";
import { DifferenceTable, Totals } from "./differencetable.tsx";
import { Picker } from "./picker.tsx";
import "./compare.css";

/** CompareTab shows how an event differs from another: the one that the address names, or that somebody chooses. */
export function CompareTab({ stored }: { stored: Stored }) {
  const [params] = useParams();
  const other = params.get("compare");
  if (!other) return <Picker event={stored.event} />;
  if (other === stored.event.eventId)
    return (
      <>
        <p>This is the very event that is compared with. Choose another one.</p>
        <Picker event={stored.event} />
      </>
    );
  return <With stored={stored} id={other} />;
}

function With({ stored, id }: { stored: Stored; id: string }) {
  const other = useEvent(id);
  if (other.isPending || other.isPlaceholderData) return <Loading what="the other event" />;
  if (other.isError)
    return other.error instanceof Problem && other.error.status === 404 ? (
      <>
        <Empty title="There is no other event with this id">
          <p>
            <code>{id}</code> is older than the retention, of another tenant, or misspelt.
          </p>
        </Empty>
        <Picker event={stored.event} />
      </>
    ) : (
      <Failed error={other.error} retry={() => void other.refetch()} />
    );
  return <Both here={stored} other={other.data} />;
}

function timeOf({ event }: Stored): number {
  return Date.parse(event.createdAt);
}

/** Both shows two events in the order of time: what changed from the earlier to the later one. */
function Both({ here, other }: { here: Stored; other: Stored }) {
  const [, change] = useParams();
  const [all, setAll] = useState(false);
  const [before, after] = timeOf(other) < timeOf(here) ? [other, here] : [here, other];
  const difference = useDifference(before.event.eventId, after.event.eventId);
  const patch = difference.data;
  const tree = useMemo(
    () => (patch && before.payload ? compared(before.payload, patch) : null),
    [patch, before.payload],
  );
  const rows = useMemo(() => (tree ? comparedRows(tree, all) : []), [tree, all]);
  const members = useMemo(() => comparedMembers(before.document, after.document, all), [before, after, all]);

  if (difference.isPending) return <Loading what="the difference" />;
  if (difference.isError) return <Failed error={difference.error} retry={() => void difference.refetch()} />;
  const heads = [before, after].map((one) => ({
    name: one === here ? "This event" : "The other event",
    label: one === before ? "Earlier" : "Later",
    event: one.event,
  }));
  return (
    <>
      <ul className="compare-heads">
        {heads.map(({ name, label, event }) => (
          <Side key={event.eventId} name={name} label={label} event={event} here={event === here.event} />
        ))}
      </ul>
      <div className="event-tools">
        <Totals rows={[...members, ...rows]} apartMs={timeOf(after) - timeOf(before)} />
        <label className="compare-all">
          <input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} /> also what is the
          same
        </label>
        <button type="button" className="button" onClick={() => change({ compare: null, tab: "compare" })}>
          Choose another
        </button>
      </div>
      <DifferenceTable
        caption="Payload"
        rows={rows}
        heads={heads}
        none={patch?.children.length ? "The payload is another kind of thing." : "The payloads are equal."}
      />
      <DifferenceTable
        caption="Members"
        rows={members}
        heads={heads}
        none="The members besides the payload are equal."
      />
      {patch && <Patch patch={patch} />}
    </>
  );
}

function Side({ name, label, event, here }: { name: string; label: string; event: Event; here: boolean }) {
  const path = usePath();
  const [params] = useParams();
  const { tz } = filterOf(params);
  return (
    <li className={here ? "compare-head near-here" : "compare-head"}>
      <span className="muted">{label}</span>
      <strong>{name}</strong>
      <span className="mono">{stamp(event.createdAt, tz)}</span>
      <span>{event.eventType}</span>
      {!here && (
        <Link
          to={addressWith(path, params.toString(), {
            event: event.eventId,
            compare: params.get("event"),
          })}
        >
          Open it
        </Link>
      )}
    </li>
  );
}

/** How much of a patch is put on the page. */
const most = 20_000;

function Patch({ patch }: { patch: Value }) {
  const text = useMemo(() => indented(patch), [patch]);
  return (
    <details className="compare-patch">
      <summary>As JSON Patch (RFC 6902), which makes the earlier payload the later one</summary>
      <div className="event-tools">
        <button type="button" className="button" onClick={() => void copy(text, "the patch")}>
          Copy the patch
        </button>
        {text.length > most && <span className="muted">Only its beginning is shown; what is copied is all of it.</span>}
      </div>
      <pre className="event-raw">{text.slice(0, most)}</pre>
    </details>
  );
}
