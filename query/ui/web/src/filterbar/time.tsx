import { Popover } from "radix-ui";
import { type FormEvent, useId, useState } from "react";
import { usePresets } from "../presets/store.ts";
import { type Filter, useFilter } from "../state/filter.ts";
import { localZone, second } from "../state/time.ts";
import { calendar, described, isMath, lasts, type Named, type Range, readTime, shown } from "./ranges.ts";
import { ZonePicker } from "./zone.tsx";
import "./time.css";

/** TimePicker reads and writes the time of the filter in the address. */
export function TimePicker() {
  const [filter, change] = useFilter();
  const [open, setOpen] = useState(false);
  const own = useOwnTime(filter);
  const zone = filter.tz === localZone() ? "" : filter.tz;

  const choose = (range: Range) => {
    // Where a day begins is a matter of the zone, also for those who open the link elsewhere.
    const local = /\//.test(range.from + range.to) ? { tz: filter.tz } : {};
    change({ ...range, ...local });
    setOpen(false);
  };

  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger className="button timepicker" aria-label={`Time: ${own}${zone && `, ${zone}`}`}>
        <ClockSign />
        <span className="timepicker-text">{own}</span> {/* The space keeps it apart from the zone where it is read. */}
        {zone && <span className="muted">{zone}</span>}
        <span aria-hidden="true">▾</span>
      </Popover.Trigger>
      <Popover.Content
        className="popover timepicker-card"
        align="end"
        sideOffset={4}
        collisionPadding={8}
        aria-label="Time"
        // Escape closes the list of zones first.
        onEscapeKeyDown={(event) => {
          if (document.activeElement?.getAttribute("aria-expanded") === "true") event.preventDefault();
        }}
      >
        <div className="timepicker-named">
          <Ranges title="Until now" ranges={lasts} filter={filter} onChoose={choose} />
          <Ranges title="Calendar" ranges={calendar} filter={filter} onChoose={choose} />
        </div>
        <Exact key={`${filter.from} ${filter.to} ${filter.tz}`} filter={filter} onChoose={choose} />
        <label className="timepicker-archive">
          <input
            type="checkbox"
            checked={filter.include !== ""}
            onChange={({ target }) => change({ include: target.checked ? "archive" : "" })}
          />
          With the archive: also events older than the retention
        </label>
        <div className="field">
          <span className="timepicker-title">Time zone</span>
          <ZonePicker zone={filter.tz} onZone={(tz) => change({ tz: tz === localZone() ? "" : tz })} />
        </div>
      </Popover.Content>
    </Popover.Root>
  );
}

/** useOwnTime says in words which time holds, also where it is the preset's. */
function useOwnTime(filter: Filter): string {
  const presets = usePresets();
  if (filter.from || filter.to || !filter.preset) return described(filter, filter.tz);
  const kept = presets.data?.find(({ id }) => id === filter.preset)?.filter;
  if (!kept?.["from"] && !kept?.["to"]) return described({ from: "", to: "" }, filter.tz);
  return `${described({ from: String(kept["from"] ?? ""), to: String(kept["to"] ?? "") }, filter.tz)} (preset)`;
}

function Ranges({
  title,
  ranges,
  filter,
  onChoose,
}: {
  title: string;
  ranges: readonly Named[];
  filter: Filter;
  onChoose: (range: Range) => void;
}) {
  return (
    <fieldset>
      <legend className="timepicker-title">{title}</legend>
      {ranges.map(({ name, from, to }) => (
        <button
          key={name}
          type="button"
          className="button quiet timepicker-range"
          aria-pressed={filter.from === from && filter.to === to}
          onClick={() => onChoose({ from, to })}
        >
          {name}
        </button>
      ))}
    </fieldset>
  );
}

/** Exact takes a from and a to, to the second, or reckoned from now. */
function Exact({ filter, onChoose }: { filter: Filter; onChoose: (range: Range) => void }) {
  const [from, setFrom] = useState(() => shown(filter.from, filter.tz));
  const [to, setTo] = useState(() => shown(filter.to, filter.tz));
  const [fault, setFault] = useState<{ field: "from" | "to"; text: string } | null>(null);
  const help = useId();

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const range = { from: readTime(from, filter.tz), to: readTime(to, filter.tz) };
    for (const field of ["from", "to"] as const)
      if (range[field] === null)
        return setFault({ field, text: "Write a time as 2026-04-17 14:32:01, or reckoned from now as now-3h." });
    const chosen = range as Range;
    if (chosen.from && chosen.to && !isMath(chosen.from) && !isMath(chosen.to) && chosen.from >= chosen.to)
      return setFault({ field: "to", text: "The end has to be after the beginning." });
    setFault(null);
    onChoose(chosen);
  };
  const field = (name: "from" | "to", label: string, value: string, set: (text: string) => void) => (
    <div className="timepicker-exact">
      <label className="field">
        {label}
        <input
          className="input mono"
          autoComplete="off"
          spellCheck={false}
          placeholder={name === "from" ? "the oldest" : "now"}
          value={value}
          onChange={(event) => set(event.target.value)}
          aria-invalid={fault?.field === name}
          aria-describedby={help}
        />
      </label>
      <Calendar
        label={`${label}: choose from a calendar`}
        value={readTime(value, filter.tz)}
        zone={filter.tz}
        onChoose={set}
      />
    </div>
  );

  return (
    <form className="timepicker-form" onSubmit={submit} noValidate>
      {field("from", "From", from, setFrom)}
      {field("to", "To, not included", to, setTo)}
      <p id={help} role={fault ? "alert" : undefined} className={fault ? "timepicker-fault" : "timepicker-help"}>
        {fault?.text ?? "To the second, in the zone below; or now-3h, now/d."}
      </p>
      <button type="submit" className="button primary">
        Use this time
      </button>
    </form>
  );
}

/** Calendar is the browser's own, behind a button: the text beside it is what counts. */
function Calendar({
  label,
  value,
  zone,
  onChoose,
}: {
  label: string;
  value: string | null;
  zone: string;
  onChoose: (text: string) => void;
}) {
  const id = useId();
  const at = value && !isMath(value) ? Date.parse(value) : Number.NaN;
  return (
    <span className="timepicker-calendar">
      <button
        type="button"
        className="button"
        aria-label={label}
        onClick={() => {
          const input = document.getElementById(id);
          if (input instanceof HTMLInputElement) input.showPicker();
        }}
      >
        <CalendarSign />
      </button>
      <input
        id={id}
        type="datetime-local"
        step={1}
        tabIndex={-1}
        aria-hidden="true"
        value={Number.isNaN(at) ? "" : second(at, zone).replace(" ", "T")}
        onChange={(event) => event.target.value && onChoose(event.target.value.replace("T", " "))}
      />
    </span>
  );
}

function ClockSign() {
  return (
    <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" fill="none" stroke="currentColor">
      <circle cx="8" cy="8" r="6.5" strokeWidth="1.4" />
      <path d="M8 4.5V8l2.5 1.8" strokeWidth="1.4" strokeLinecap="round" />
    </svg>
  );
}

function CalendarSign() {
  return (
    <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" fill="none" stroke="currentColor">
      <path d="M2 3.5h12v10.5H2zM2 6.7h12M5 1.5v3.4M11 1.5v3.4" strokeWidth="1.4" strokeLinejoin="round" />
    </svg>
  );
}
