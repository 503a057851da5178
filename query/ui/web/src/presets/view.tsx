import { useState } from "react";
import { useSession } from "../api/session.tsx";
import type { Preset } from "../api/types.ts";
import { useParams } from "../state/location.ts";
import { localZone, second } from "../state/time.ts";
import { announce, copy } from "../ui/announce.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Link } from "../ui/link.tsx";
import { Empty, Failed, Loading } from "../ui/state.tsx";
import { PresetDialog } from "./dialog.tsx";
import { openPreset } from "./menu.tsx";
import { defaultPreset, setDefaultPreset, useDeletePreset, usePresets, words } from "./store.ts";
import "./presets.css";

/** PresetsView is every preset, and what can be done with it. */
export default function PresetsView() {
  const presets = usePresets();
  if (presets.isPending) return <Loading what="the presets" />;
  if (presets.isError) return <Failed error={presets.error} retry={() => presets.refetch()} />;
  return (
    <div className="page">
      <h1>Presets</h1>
      <p className="muted">
        Filters that are often used. One is saved from the menu Presets beside any search, live stream or analysis.
      </p>
      {presets.data.length === 0 ? <Empty title="There is no preset" /> : <PresetTable presets={presets.data} />}
    </div>
  );
}

function PresetTable({ presets }: { presets: Preset[] }) {
  const { tenant } = useSession();
  const [standard, setStandard] = useState(() => defaultPreset(tenant));
  return (
    <div className="scrolled">
      <table className="table presets">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Finds</th>
            <th scope="col">Seen by</th>
            <th scope="col">Changed</th>
            <th scope="col">Open in</th>
            <th scope="col">
              <span className="hidden-text">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {presets.map((preset) => (
            <PresetRow
              key={preset.id}
              preset={preset}
              standard={preset.id === standard}
              onStandard={(id) => {
                setDefaultPreset(tenant, id);
                setStandard(id);
                announce(
                  id
                    ? `Search starts with “${preset.name}” now, in this browser`
                    : "Search starts without a preset now",
                );
              }}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const views = [
  { path: "/", name: "Search" },
  { path: "/live", name: "Live" },
  { path: "/analysis", name: "Analysis" },
];

function PresetRow({
  preset,
  standard,
  onStandard,
}: {
  preset: Preset;
  standard: boolean;
  onStandard: (id: string) => void;
}) {
  const { may } = useSession();
  const [params] = useParams();
  const [open, setOpen] = useState<"change" | "delete" | null>(null);
  const mayChange = may("presets:write") && preset.mine;
  return (
    <tr>
      <th scope="row">
        {preset.name}
        {standard && <span className="muted"> (default)</span>}
      </th>
      <td>
        {words(preset.filter).map((line) => (
          <div key={line} className="mono">
            {line}
          </div>
        ))}
        {Object.keys(preset.filter).length === 0 && "every event"}
      </td>
      <td>{preset.owner === null ? "everybody (built in)" : preset.shared ? "everybody in the tenant" : "you"}</td>
      <td className="mono">{preset.updatedAt ? second(preset.updatedAt, localZone()) : "–"}</td>
      <td className="presets-actions">
        {views.map((view) => (
          <Link
            key={view.path}
            to={openPreset(view.path, params, preset.id)}
            className="presets-open"
            aria-label={`Open “${preset.name}” in ${view.name}`}
          >
            {view.name}
          </Link>
        ))}
      </td>
      <td className="presets-actions">
        <button
          type="button"
          className="button quiet"
          aria-label={`Copy link to “${preset.name}”`}
          onClick={() => void copy(window.location.origin + openPreset("/", params, preset.id), "the link")}
        >
          Copy link
        </button>
        <button
          type="button"
          className="button quiet"
          aria-pressed={standard}
          aria-label={`Default: start with “${preset.name}”`}
          onClick={() => onStandard(standard ? "" : preset.id)}
        >
          Default
        </button>
        {mayChange && (
          <>
            <button
              type="button"
              className="button quiet"
              aria-label={`Change “${preset.name}”`}
              onClick={() => setOpen("change")}
            >
              Change
            </button>
            <button
              type="button"
              className="button quiet"
              aria-label={`Delete “${preset.name}”`}
              onClick={() => setOpen("delete")}
            >
              Delete
            </button>
          </>
        )}
        {open === "change" && <PresetDialog preset={preset} filter={preset.filter} onClose={() => setOpen(null)} />}
        {open === "delete" && <DeleteDialog preset={preset} onClose={() => setOpen(null)} />}
      </td>
    </tr>
  );
}

function DeleteDialog({ preset, onClose }: { preset: Preset; onClose: () => void }) {
  const remove = useDeletePreset();
  return (
    <Dialog title={`Delete “${preset.name}”?`} onClose={onClose}>
      <p>
        {preset.shared ? "It is gone for everybody in the tenant." : "It can't be brought back."} Links to it will say
        so.
      </p>
      {remove.error && <p role="alert">{remove.error.message}</p>}
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          className="button danger"
          disabled={remove.isPending}
          onClick={() =>
            remove.mutate(preset, {
              onSuccess: () => {
                announce(`Deleted “${preset.name}”`);
                onClose();
              },
            })
          }
        >
          Delete
        </button>
      </div>
    </Dialog>
  );
}
