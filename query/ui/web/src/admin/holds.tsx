import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { call } from "../api/client.ts";
import type { FilterObject, Hold } from "../api/types.ts";
import { words } from "../presets/store.ts";
import { filterOf } from "../state/filter.ts";
import { useParams } from "../state/location.ts";
import { localZone, second } from "../state/time.ts";
import { announce } from "../ui/announce.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Empty, Failed, Loading } from "../ui/state.tsx";

const path = "/api/v1/holds";
const cached = ["holds"];

/** Holds lists the tenant's legal holds, places new ones and lifts them. */
export function Holds() {
  const holds = useQuery({
    queryKey: cached,
    queryFn: ({ signal }) => call<{ holds: Hold[] }>(path, { signal }).then((answer) => answer.holds),
  });
  const [placing, setPlacing] = useState(false);
  return (
    <>
      <header className="admin-head">
        <h1>Legal holds</h1>
        <button type="button" className="button primary" onClick={() => setPlacing(true)}>
          Place a hold
        </button>
      </header>
      {holds.isPending ? (
        <Loading what="the holds" />
      ) : holds.isError ? (
        <Failed error={holds.error} retry={() => holds.refetch()} />
      ) : holds.data.length === 0 ? (
        <Empty title="Nothing is held">
          <p className="muted">A hold keeps events from being purged, whatever their age, until it is lifted.</p>
        </Empty>
      ) : (
        <HoldTable holds={holds.data} />
      )}
      {placing && <PlaceDialog onClose={() => setPlacing(false)} />}
    </>
  );
}

function HoldTable({ holds }: { holds: Hold[] }) {
  const [lifting, setLifting] = useState<Hold | null>(null);
  return (
    <div className="scrolled">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Reason</th>
            <th scope="col">Holds</th>
            <th scope="col">Placed</th>
            <th scope="col">State</th>
            <th scope="col">
              <span className="hidden-text">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {holds.map((hold) => (
            <tr key={hold.id} className={hold.liftedAt ? "admin-over" : undefined}>
              <th scope="row">{hold.reason}</th>
              <td>
                {Object.keys(hold.filter).length === 0
                  ? "every event of the tenant"
                  : words(hold.filter).map((line) => (
                      <div key={line} className="mono">
                        {line}
                      </div>
                    ))}
              </td>
              <td>
                <span className="mono">{second(hold.placedAt, localZone())}</span> by{" "}
                {hold.placedByName || hold.placedBy}
              </td>
              <td>{hold.liftedAt ? lifted(hold, hold.liftedAt) : "in force"}</td>
              <td>
                {!hold.liftedAt && (
                  <button
                    type="button"
                    className="button quiet"
                    aria-label={`Lift ${hold.reason}`}
                    onClick={() => setLifting(hold)}
                  >
                    Lift
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {lifting && <LiftDialog hold={lifting} onClose={() => setLifting(null)} />}
    </div>
  );
}

function lifted(hold: Hold, at: string): string {
  return `lifted ${second(at, localZone())} by ${hold.liftedByName || hold.liftedBy}: ${hold.liftReason}`;
}

/** PlaceDialog starts with what the page's address selects, where that doesn't move with the clock. */
function PlaceDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [params] = useParams();
  const [reason, setReason] = useState("");
  const [q, setQ] = useState(() => filterOf(params).q);
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const place = useMutation({
    mutationFn: () => {
      const filter: FilterObject = {
        ...(q.trim() && { q: q.trim() }),
        ...(from && { from: midnight(from, 0) }),
        ...(to && { to: midnight(to, 1) }),
      };
      return call<Hold>(path, { method: "POST", body: { reason: reason.trim(), filter } });
    },
    onSuccess: () => {
      announce("It is held from now on");
      onClose();
    },
    onSettled: () => client.invalidateQueries({ queryKey: cached }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    place.mutate();
  };
  return (
    <Dialog title="Place a hold" onClose={onClose}>
      <form className="admin-form" onSubmit={submit}>
        <p>
          What it selects is not purged from now on, whatever its age. It is an event of the tenant, as lifting it is.
        </p>
        <Reason value={reason} onChange={setReason} placeholder="Case 2026-17, requested by legal" />
        <label className="field">
          Events that match (empty: every event of the tenant)
          <input className="input mono" value={q} onChange={(event) => setQ(event.target.value)} />
        </label>
        <label className="field">
          From the day (empty: from the beginning)
          <input className="input" type="date" value={from} onChange={(event) => setFrom(event.target.value)} />
        </label>
        <label className="field">
          To the end of the day (empty: also what comes)
          <input className="input" type="date" value={to} onChange={(event) => setTo(event.target.value)} />
        </label>
        {place.error && <p role="alert">{place.error.message}</p>}
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={place.isPending || reason.trim() === ""}>
            Place it
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** midnight is when a day begins in the browser's zone, or so many days later. */
function midnight(date: string, later: number): string {
  const at = new Date(`${date}T00:00:00`);
  at.setDate(at.getDate() + later);
  return at.toISOString();
}

function LiftDialog({ hold, onClose }: { hold: Hold; onClose: () => void }) {
  const client = useQueryClient();
  const [reason, setReason] = useState("");
  const lift = useMutation({
    mutationFn: () =>
      call<Hold>(`${path}/${encodeURIComponent(hold.id)}`, { method: "DELETE", body: { reason: reason.trim() } }),
    onSuccess: () => {
      announce("The hold is lifted");
      onClose();
    },
    onSettled: () => client.invalidateQueries({ queryKey: cached }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    lift.mutate();
  };
  return (
    <Dialog title={`Lift ${hold.reason}?`} onClose={onClose}>
      <form className="admin-form" onSubmit={submit}>
        <p>
          What it held and is older than the retention is purged within the hour, unless another hold keeps it. This
          can't be undone.
        </p>
        <Reason value={reason} onChange={setReason} placeholder="Case 2026-17 is closed" />
        {lift.error && <p role="alert">{lift.error.message}</p>}
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button danger" disabled={lift.isPending || reason.trim() === ""}>
            Lift it
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Reason(props: { value: string; onChange: (text: string) => void; placeholder: string }) {
  return (
    <label className="field">
      Reason, for those who ask later
      <input
        className="input"
        required
        maxLength={1000}
        value={props.value}
        placeholder={props.placeholder}
        onChange={(event) => props.onChange(event.target.value)}
      />
    </label>
  );
}
