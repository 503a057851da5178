import { useState } from "react";
import { localZone } from "../state/time.ts";
import { Combobox } from "../ui/combobox.tsx";
import { zones } from "./ranges.ts";

/** How many zones the list shows: more are found by typing. */
const most = 40;

const all = Intl.supportedValuesOf("timeZone");

/** ZonePicker chooses the zone in which times are shown and meant. */
export function ZonePicker({ zone, onZone }: { zone: string; onZone: (zone: string) => void }) {
  const [typed, setTyped] = useState<string | null>(null);
  const local = localZone();
  const options = zones(typed ?? "", local, all).slice(0, most);
  return (
    <div className="timepicker-zone">
      <Combobox
        label="Time zone"
        text={typed ?? zone}
        onText={setTyped}
        options={options.map((name) => ({
          key: name,
          label: name,
          ...(name === local && { detail: "this browser's" }),
        }))}
        {...(options.length === 0 && { note: "There is no such zone. Write a city, as in Prague." })}
        onChoose={(name) => {
          setTyped(null);
          onZone(name);
        }}
        onLeave={() => setTyped(null)}
      />
      {[...new Set([local, "UTC"])].map((name) => (
        <button
          key={name}
          type="button"
          className="button quiet"
          aria-pressed={zone === name}
          onClick={() => {
            setTyped(null);
            onZone(name);
          }}
        >
          {name === "UTC" ? "UTC" : "Local"}
        </button>
      ))}
    </div>
  );
}
