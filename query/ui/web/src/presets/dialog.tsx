import { type FormEvent, useId, useState } from "react";
import { Problem } from "../api/client.ts";
import type { FilterObject, Preset } from "../api/types.ts";
import { announce } from "../ui/announce.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { useSavePreset } from "./store.ts";

/** PresetDialog saves a filter as a preset, or changes one. */
export function PresetDialog({
  preset,
  filter,
  onClose,
  onSaved,
}: {
  preset?: Preset;
  filter: FilterObject;
  onClose: () => void;
  onSaved?: (preset: Preset) => void;
}) {
  const save = useSavePreset();
  const [name, setName] = useState(preset?.name ?? "");
  const [shared, setShared] = useState(preset?.shared ?? false);
  const [kept, setKept] = useState<FilterObject>(filter);
  const fault = useId();

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const saved = await save.mutateAsync({
      ...(preset && { preset }),
      changes: { name: name.trim(), filter: tidy(kept), shared },
    });
    announce(`Saved “${saved.name}”`);
    onSaved?.(saved);
    onClose();
  };

  return (
    <Dialog title={preset ? "Change the preset" : "Save as a preset"} onClose={onClose}>
      <form className="preset-form" onSubmit={(event) => void submit(event).catch(() => undefined)}>
        <label className="field">
          Name
          <input
            className="input"
            required
            maxLength={100}
            value={name}
            onChange={(event) => setName(event.target.value)}
            aria-describedby={fault}
          />
        </label>
        <fieldset className="preset-conditions">
          <legend>Filter</legend>
          {Object.keys(kept).length === 0 && <p className="muted">It finds every event.</p>}
          {Object.entries(kept).map(([condition, value]) => (
            <div key={condition} className="preset-condition">
              <label className="field">
                {condition}
                <input
                  className="input mono"
                  value={Array.isArray(value) ? value.join(", ") : String(value)}
                  onChange={(event) =>
                    setKept({
                      ...kept,
                      [condition]: Array.isArray(value) ? event.target.value.split(/,\s*/) : event.target.value,
                    })
                  }
                />
              </label>
              <button
                type="button"
                className="button quiet"
                aria-label={`Take out ${condition}`}
                onClick={() =>
                  setKept(Object.fromEntries(Object.entries(kept).filter(([other]) => other !== condition)))
                }
              >
                ✕
              </button>
            </div>
          ))}
        </fieldset>
        <label className="preset-shared">
          <input type="checkbox" checked={shared} onChange={(event) => setShared(event.target.checked)} />
          Share it with everybody in the tenant
        </label>
        <p id={fault} role="alert" className="preset-fault">
          {save.error && reason(save.error)}
        </p>
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={save.isPending}>
            {save.isPending ? "Saving …" : "Save"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** tidy leaves out conditions that were emptied. */
function tidy(filter: FilterObject): FilterObject {
  return Object.fromEntries(
    Object.entries(filter)
      .map(([name, value]) => [name, Array.isArray(value) ? value.filter(Boolean) : value] as const)
      .filter(([, value]) => value.length > 0),
  );
}

function reason(error: Error): string {
  if (error instanceof Problem && error.status === 412)
    return "Somebody else has changed this preset since you opened it. Close this and open it again to see how it is now.";
  return error.message;
}
