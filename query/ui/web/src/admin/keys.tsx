import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { call } from "../api/client.ts";
import { allTenants, useSession } from "../api/session.tsx";
import type { ApiKey, Scope } from "../api/types.ts";
import { localZone, second } from "../state/time.ts";
import { announce, copy } from "../ui/announce.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Empty, Failed, Loading } from "../ui/state.tsx";
import { ReachSwitch, useEveryTenant } from "./reach.tsx";

const path = "/api/v1/keys";
const cached = ["keys"];

const scopes: { scope: Scope; allows: string }[] = [
  { scope: "events:read", allows: "search, watch, analyse and export events" },
  { scope: "events:write", allows: "publish events over HTTP" },
  { scope: "presets:write", allows: "save presets" },
  { scope: "audit:read", allows: "read the audit log" },
  { scope: "admin", allows: "everything, keys and dead letters too" },
];

/** Keys lists the tenant's API keys, makes new ones and revokes them. */
export function Keys() {
  const everyTenant = useEveryTenant();
  const keys = useQuery({
    queryKey: [...cached, everyTenant],
    queryFn: ({ signal }) => call<{ keys: ApiKey[] }>(path, { signal, everyTenant }).then((answer) => answer.keys),
  });
  const [making, setMaking] = useState(false);
  return (
    <>
      <header className="admin-head">
        <h1>API keys</h1>
        <ReachSwitch />
        <button type="button" className="button primary" onClick={() => setMaking(true)}>
          New key
        </button>
      </header>
      {keys.isPending ? (
        <Loading what="the keys" />
      ) : keys.isError ? (
        <Failed error={keys.error} retry={() => keys.refetch()} />
      ) : keys.data.length === 0 ? (
        <Empty title="There is no key" />
      ) : (
        <KeyTable keys={keys.data} everyTenant={everyTenant} />
      )}
      {making && <NewKeyDialog onClose={() => setMaking(false)} />}
    </>
  );
}

function stateOf(key: ApiKey): string {
  if (key.revokedAt) return `revoked ${second(key.revokedAt, localZone())}`;
  if (!key.expiresAt) return "valid, never expires";
  return `${Date.parse(key.expiresAt) > Date.now() ? "valid until" : "expired"} ${second(key.expiresAt, localZone())}`;
}

function KeyTable({ keys, everyTenant }: { keys: ApiKey[]; everyTenant: boolean }) {
  const { keyId } = useSession();
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  return (
    <div className="scrolled">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            {everyTenant && <th scope="col">Tenant</th>}
            <th scope="col">Id</th>
            <th scope="col">May</th>
            <th scope="col">Made</th>
            <th scope="col">State</th>
            <th scope="col">
              <span className="hidden-text">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.id} className={key.revokedAt ? "admin-over" : undefined}>
              <th scope="row">
                {key.name || <span className="muted">no name</span>}
                {key.id === keyId && <span className="muted"> (yours)</span>}
              </th>
              {everyTenant && <td>{key.tenantId === allTenants ? "every tenant" : key.tenantId}</td>}
              <td className="mono">{key.id}</td>
              <td>{key.scopes.join(", ")}</td>
              <td className="mono">{second(key.createdAt, localZone())}</td>
              <td>{stateOf(key)}</td>
              <td>
                {!key.revokedAt && (
                  <button
                    type="button"
                    className="button quiet"
                    aria-label={`Revoke ${key.name || key.id}`}
                    onClick={() => setRevoking(key)}
                  >
                    Revoke
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {revoking && <RevokeDialog apiKey={revoking} own={revoking.id === keyId} onClose={() => setRevoking(null)} />}
    </div>
  );
}

function RevokeDialog({ apiKey, own, onClose }: { apiKey: ApiKey; own: boolean; onClose: () => void }) {
  const client = useQueryClient();
  const everyTenant = useEveryTenant();
  const revoke = useMutation({
    mutationFn: () => call<void>(`${path}/${encodeURIComponent(apiKey.id)}`, { method: "DELETE", everyTenant }),
    onSuccess: () => {
      announce(`Revoked ${apiKey.name || apiKey.id}`);
      onClose();
    },
    onSettled: () => client.invalidateQueries({ queryKey: cached }),
  });
  return (
    <Dialog title={`Revoke ${apiKey.name || apiKey.id}?`} onClose={onClose}>
      <p>
        Calls with it are refused within five seconds, and its live streams and browser sessions end. This can't be
        undone.
      </p>
      {own && <p>It is the key that you are signed in with: you will be signed out.</p>}
      {revoke.error && <p role="alert">{revoke.error.message}</p>}
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" className="button danger" disabled={revoke.isPending} onClick={() => revoke.mutate()}>
          Revoke
        </button>
      </div>
    </Dialog>
  );
}

function NewKeyDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const { tenant } = useSession();
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<Scope[]>(["events:read"]);
  const [expires, setExpires] = useState("");
  const make = useMutation({
    mutationFn: () =>
      call<ApiKey>(path, {
        method: "POST",
        body: {
          tenantId: tenant,
          name: name.trim(),
          scopes: chosen,
          expiresAt: expires ? new Date(`${expires}T23:59:59`).toISOString() : null,
        },
      }),
    onSettled: () => client.invalidateQueries({ queryKey: cached }),
  });

  if (make.data) return <MadeDialog made={make.data} onClose={onClose} />;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <Dialog title="New key" onClose={onClose}>
      <form className="admin-form" onSubmit={submit}>
        <label className="field">
          Name
          <input
            className="input"
            value={name}
            onChange={(event) => setName(event.target.value)}
            placeholder="what it is for"
          />
        </label>
        <fieldset className="admin-scopes">
          <legend>It may</legend>
          {scopes.map(({ scope, allows }) => (
            <label key={scope}>
              <input
                type="checkbox"
                checked={chosen.includes(scope)}
                onChange={(event) =>
                  setChosen(event.target.checked ? [...chosen, scope] : chosen.filter((other) => other !== scope))
                }
              />
              <span>
                <code>{scope}</code> <span className="muted">{allows}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <label className="field">
          Valid until the end of (empty: for ever)
          <input className="input" type="date" value={expires} onChange={(event) => setExpires(event.target.value)} />
        </label>
        {make.error && <p role="alert">{make.error.message}</p>}
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={make.isPending || chosen.length === 0}>
            Make it
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function MadeDialog({ made, onClose }: { made: ApiKey; onClose: () => void }) {
  return (
    <Dialog title={`The key ${made.name}`} onClose={onClose}>
      <p>
        <strong>This is the only time that it is shown.</strong> Daybook keeps a hash of it, so nobody can look it up
        later.
      </p>
      <label className="field">
        Key
        <input className="input mono" readOnly value={made.key} onFocus={(event) => event.target.select()} />
      </label>
      <div className="dialog-actions">
        <button type="button" className="button primary" onClick={() => void copy(made.key ?? "", "the key")}>
          Copy
        </button>
        <button type="button" className="button" onClick={onClose}>
          I have kept it
        </button>
      </div>
    </Dialog>
  );
}
