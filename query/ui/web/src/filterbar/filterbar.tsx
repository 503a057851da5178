import { type FormEvent, memo, useEffect, useId, useState } from "react";
import { PresetMenu } from "../presets/menu.tsx";
import { useFilter } from "../state/filter.ts";
import { Chips } from "./chips.tsx";
import { FaultText, faultOf } from "./fault.tsx";
import { Help } from "./help.tsx";
import { QueryInput } from "./input.tsx";
import { TimePicker } from "./time.tsx";
import "./filterbar.css";

/**
 * FilterBar reads and writes the filter in the address: the input of q with completion and help, presets, the time, and
 * what holds now as chips. error is what the last call with this filter threw; busy says that one is on its way.
 * onAgain is called where somebody searches for what the address has already.
 */
export const FilterBar = memo(function FilterBar({
  error,
  busy = false,
  withTime = true,
  onAgain,
}: {
  error?: unknown;
  busy?: boolean;
  withTime?: boolean;
  onAgain?: () => void;
}) {
  const [filter, change] = useFilter();
  const [text, setText] = useState(filter.q);
  useEffect(() => setText(filter.q), [filter.q]);
  const place = useId();
  // What was edited since is no longer what was at fault.
  const fault = text.trim() === filter.q.trim() ? faultOf(error, filter.q) : null;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const q = text.trim();
    setText(q);
    if (q === filter.q) onAgain?.();
    else change({ q });
  };

  return (
    <div className="filterbar">
      <search className="filterbar-search">
        <form className="filterbar-line" onSubmit={submit} aria-busy={busy}>
          <QueryInput
            text={text}
            onText={setText}
            filter={filter}
            fault={fault}
            describedBy={fault ? place : undefined}
          />
          <Help />
          <button type="submit" className="button primary">
            Search
          </button>
        </form>
      </search>
      <div className="filterbar-tools">
        {withTime && <TimePicker />}
        <PresetMenu />
      </div>
      {fault && <FaultText fault={fault} id={place} />}
      <Chips />
      <div className="filterbar-busy" hidden={!busy} />
    </div>
  );
});
