import { useFilter } from "../state/filter.ts";

const ranges: [string, string][] = [
  ["now-15m", "last 15 minutes"],
  ["now-1h", "last hour"],
  ["now-24h", "last 24 hours"],
  ["now-7d", "last 7 days"],
  ["now-30d", "last 30 days"],
  ["", "all that is retained"],
];

/** TimePicker reads and writes the time of the filter in the address. */
export function TimePicker() {
  const [filter, change] = useFilter();
  return (
    <select
      className="input"
      aria-label="Time"
      value={filter.from}
      onChange={(event) => change({ from: event.target.value, to: "" })}
    >
      {!ranges.some(([from]) => from === filter.from) && <option value={filter.from}>{filter.from}</option>}
      {ranges.map(([from, name]) => (
        <option key={from} value={from}>
          {name}
        </option>
      ))}
    </select>
  );
}
