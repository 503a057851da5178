import { type FormEvent, useEffect, useState } from "react";
import { Problem } from "../api/client.ts";
import { useFilter } from "../state/filter.ts";
import { useShortcut } from "../ui/shortcuts.tsx";
import { TimePicker } from "./time.tsx";
import "./filterbar.css";

/** FilterBar reads and writes the filter in the address. error is what the last call with this filter threw. */
export function FilterBar({
  error,
  busy = false,
  withTime = true,
}: {
  error?: unknown;
  busy?: boolean;
  withTime?: boolean;
}) {
  const [filter, change] = useFilter();
  const [text, setText] = useState(filter.q);
  useEffect(() => setText(filter.q), [filter.q]);
  const fault = error instanceof Problem ? error.of("q") : undefined;
  useShortcut("/", "go to the search bar", () => document.getElementById("filterbar-q")?.focus());
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change({ q: text.trim() });
  };
  return (
    <form className="filterbar" onSubmit={submit} aria-busy={busy}>
      <input
        id="filterbar-q"
        className="input filterbar-q mono"
        aria-label="Search"
        aria-invalid={fault !== undefined}
        placeholder="Search events"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
      />
      {withTime && <TimePicker />}
      <button type="submit" className="button primary">
        Search
      </button>
      {fault && (
        <p role="alert" className="filterbar-fault">
          {fault.message}
        </p>
      )}
    </form>
  );
}
