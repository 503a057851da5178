import { Popover } from "radix-ui";
import { useState } from "react";
import { columnOf, columns, defaultColumns } from "../events/columns.ts";
import { fieldsLike } from "../filterbar/completion.ts";
import { useFields } from "../filterbar/fields.ts";
import { useFilter } from "../state/filter.ts";
import { useParams } from "../state/location.ts";
import { announce } from "../ui/announce.tsx";
import { Combobox } from "../ui/combobox.tsx";
import "./columns.css";

/** useColumns returns the columns that the address chooses, and a way to choose others. */
export function useColumns(): [string[], (ids: string[]) => void] {
  const [params, change] = useParams();
  const asked = params.getAll("cols");
  const ids = asked.length > 0 ? asked : defaultColumns;
  const set = (list: string[]) =>
    change({ cols: list.length === 0 || list.join() === defaultColumns.join() ? null : list }, { replace: true });
  return [ids, set];
}

export type Density = "compact" | "normal" | "roomy";

/** useDensity returns how close rows are, as the address has it. */
export function useDensity(): [Density, (density: Density) => void] {
  const [params, change] = useParams();
  const asked = params.get("density");
  const density = asked === "compact" || asked === "roomy" ? asked : "normal";
  return [density, (next) => change({ density: next === "normal" ? null : next }, { replace: true })];
}

const densities: [Density, string][] = [
  ["compact", "Compact"],
  ["normal", "Normal"],
  ["roomy", "Roomy"],
];

/** ColumnMenu chooses and orders columns, and how close rows are. */
export function ColumnMenu() {
  const [ids, set] = useColumns();
  const [density, setDensity] = useDensity();

  const move = (from: number, by: number) => {
    const list = [...ids];
    const [moved] = list.splice(from, 1);
    if (moved === undefined) return;
    list.splice(from + by, 0, moved);
    set(list);
    announce(`${columnOf(moved).label} is column ${from + by + 1} of ${list.length}`);
  };

  return (
    <Popover.Root>
      <Popover.Trigger className="button">
        Columns <span aria-hidden="true">▾</span>
      </Popover.Trigger>
      <Popover.Content
        className="popover columnmenu"
        align="end"
        sideOffset={4}
        collisionPadding={8}
        aria-label="Columns"
        onEscapeKeyDown={(event) => {
          if (document.activeElement?.getAttribute("aria-expanded") === "true") event.preventDefault();
        }}
      >
        <ol>
          {ids.map((id, i) => {
            const { label } = columnOf(id);
            return (
              <li key={id}>
                <span className="columnmenu-name" title={id}>
                  {label}
                </span>
                <button
                  type="button"
                  className="button quiet"
                  aria-label={`Move ${label} to the left`}
                  disabled={i === 0}
                  onClick={() => move(i, -1)}
                >
                  ↑
                </button>
                <button
                  type="button"
                  className="button quiet"
                  aria-label={`Move ${label} to the right`}
                  disabled={i === ids.length - 1}
                  onClick={() => move(i, 1)}
                >
                  ↓
                </button>
                <button
                  type="button"
                  className="button quiet"
                  aria-label={`Take out ${label}`}
                  disabled={ids.length === 1}
                  onClick={() => set(ids.filter((one) => one !== id))}
                >
                  ✕
                </button>
              </li>
            );
          })}
        </ol>
        <AddColumn chosen={ids} onAdd={(id) => set([...ids, id])} />
        <fieldset className="columnmenu-density">
          <legend>Rows</legend>
          {densities.map(([name, label]) => (
            <label key={name}>
              <input type="radio" name="density" checked={density === name} onChange={() => setDensity(name)} />
              {label}
            </label>
          ))}
        </fieldset>
        <button type="button" className="button quiet" onClick={() => set(defaultColumns)}>
          The usual columns
        </button>
      </Popover.Content>
    </Popover.Root>
  );
}

/** AddColumn adds a field of the event or of its payload, by its name. */
function AddColumn({ chosen, onAdd }: { chosen: readonly string[]; onAdd: (id: string) => void }) {
  const [filter] = useFilter();
  const [typed, setTyped] = useState("");
  // Of what is searched: the sample of a whole week may miss the fields of a few events.
  const fields = useFields(filter, typed, true);
  const found = fieldsLike(fields, typed).map(({ name }) => name);
  const own = columns
    .filter(({ id, label }) => `${id} ${label}`.toLowerCase().includes(typed.toLowerCase()))
    .map(({ id }) => id);
  const options = [...new Set([...own, ...found])].filter((name) => !chosen.includes(name)).slice(0, 50);
  return (
    <Combobox
      label="Add a column"
      placeholder="Add a column …"
      text={typed}
      onText={setTyped}
      options={options.map((name) => {
        const { label } = columnOf(name);
        return { key: name, label: name, detail: label === name ? "" : label };
      })}
      {...(options.length === 0 && { note: "No such field in these events." })}
      onChoose={(name) => {
        setTyped("");
        onAdd(name);
      }}
      onLeave={() => setTyped("")}
    />
  );
}
