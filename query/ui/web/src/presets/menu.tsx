import { DropdownMenu } from "radix-ui";
import { useState } from "react";
import { useSession } from "../api/session.tsx";
import { filterOf } from "../state/filter.ts";
import { addressWith, go, useParams, usePath } from "../state/location.ts";
import { announce } from "../ui/announce.tsx";
import { PresetDialog } from "./dialog.tsx";
import { defaultPreset, filterObject, setDefaultPreset, usePresets } from "./store.ts";
import "./presets.css";

/** PresetMenu opens presets in the view that it stands in, and saves that view's filter as one. */
export function PresetMenu() {
  const who = useSession();
  const path = usePath();
  const [params] = useParams();
  const presets = usePresets();
  const [saving, setSaving] = useState(false);
  const [standard, setStandard] = useState(() => defaultPreset(who.tenant));
  const filter = filterOf(params);
  const open = presets.data?.find((preset) => preset.id === filter.preset);

  const makeDefault = (id: string) => {
    setDefaultPreset(who.tenant, id);
    setStandard(id);
    announce(id ? "Search starts with this preset now, in this browser" : "Search starts without a preset now");
  };

  return (
    <>
      <DropdownMenu.Root modal={false}>
        <DropdownMenu.Trigger className="button">Presets ▾</DropdownMenu.Trigger>
        <DropdownMenu.Content className="popover preset-menu" align="end" sideOffset={4} collisionPadding={8}>
          {presets.isError && <p className="muted">The presets can't be read: {presets.error.message}</p>}
          {presets.data?.map((preset) => (
            <DropdownMenu.Item
              key={preset.id}
              className="preset-item"
              onSelect={() => go(openPreset(path, params, preset.id))}
              aria-current={preset.id === filter.preset ? "true" : undefined}
            >
              <span>{preset.name}</span>
              {preset.id === standard && <span className="muted">default</span>}
            </DropdownMenu.Item>
          ))}
          <DropdownMenu.Separator className="preset-separator" />
          {who.may("presets:write") && (
            <DropdownMenu.Item className="preset-item" onSelect={() => setSaving(true)}>
              Save this filter …
            </DropdownMenu.Item>
          )}
          {open && open.id !== standard && (
            <DropdownMenu.Item className="preset-item" onSelect={() => makeDefault(open.id)}>
              Start with “{open.name}”
            </DropdownMenu.Item>
          )}
          {standard && (
            <DropdownMenu.Item className="preset-item" onSelect={() => makeDefault("")}>
              Start without a preset
            </DropdownMenu.Item>
          )}
          <DropdownMenu.Item
            className="preset-item"
            onSelect={() => go(addressWith("/presets", params.toString(), {}))}
          >
            All presets
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Root>
      {saving && (
        <PresetDialog
          filter={filterObject(filter, open)}
          onClose={() => setSaving(false)}
          onSaved={(saved) => go(openPreset(path, params, saved.id))}
        />
      )}
    </>
  );
}

/** openPreset returns the address of a view with a preset's filter alone. */
export function openPreset(path: string, params: URLSearchParams, id: string): string {
  return addressWith(path, params.toString(), {
    preset: id,
    q: null,
    from: null,
    to: null,
    event: null,
    compare: null,
  });
}
