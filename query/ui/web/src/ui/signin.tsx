import { type FormEvent, useId, useState } from "react";
import { signIn } from "../api/session.tsx";
import type { Session } from "../api/types.ts";
import "./signin.css";

/** SignIn asks for an API key and makes a session of it. */
export function SignIn({ wrongKey, onDone }: { wrongKey: boolean; onDone: (session: Session) => void }) {
  const [key, setKey] = useState("");
  const [fault, setFault] = useState(
    wrongKey ? "The key in the link is not known, or is no longer valid. Enter another one." : "",
  );
  const [busy, setBusy] = useState(false);
  const describedBy = useId();

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFault("");
    try {
      onDone(await signIn(key.trim()));
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <main className="signin">
      <form className="card signin-form" onSubmit={submit}>
        <h1>Daybook</h1>
        <p className="muted">Search, filter and watch everything that has happened.</p>
        <label className="field">
          API key
          <input
            className="input mono"
            type="password"
            autoComplete="current-password"
            required
            value={key}
            onChange={(event) => setKey(event.target.value)}
            aria-invalid={fault !== ""}
            aria-describedby={describedBy}
            // biome-ignore lint/a11y/noAutofocus: The field is all that this page is for.
            autoFocus
          />
        </label>
        <p id={describedBy} role="alert" className="signin-fault">
          {fault}
        </p>
        <button type="submit" className="button primary" disabled={busy}>
          {busy ? "Signing in …" : "Sign in"}
        </button>
        <p className="muted signin-help">
          A key is made by <code>daybook keys create --tenant TENANT --scopes events:read</code>, or by an admin of your
          tenant on the page Admin. The browser keeps a session of 12 hours, not the key.
        </p>
      </form>
    </main>
  );
}
