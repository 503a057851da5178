import { type FormEvent, useState } from "react";
import { useParams } from "../state/location.ts";
import "./signin.css";

/** TenantChoice asks which tenant a key of every tenant is to act for. */
export function TenantChoice({ signOut }: { signOut: () => void }) {
  const [, change] = useParams();
  const [name, setName] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change({ tenant: name.trim() });
  };
  return (
    <main className="signin">
      <form className="card signin-form" onSubmit={submit}>
        <h1>Which tenant?</h1>
        <p className="muted">
          Your key is of every tenant. The page shows one at a time; its name stands in the address.
        </p>
        <label className="field">
          Tenant
          <input
            className="input"
            required
            value={name}
            onChange={(event) => setName(event.target.value)}
            // biome-ignore lint/a11y/noAutofocus: The field is all that this page is for.
            autoFocus
          />
        </label>
        <button type="submit" className="button primary">
          Show its events
        </button>
        <button type="button" className="button quiet" onClick={signOut}>
          Sign out
        </button>
      </form>
    </main>
  );
}
