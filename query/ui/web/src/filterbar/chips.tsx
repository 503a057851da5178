import { useRef } from "react";
import { usePresets, words } from "../presets/store.ts";
import { terms, without } from "../query/language.ts";
import { useFilter } from "../state/filter.ts";
import { announce } from "../ui/announce.tsx";

interface ChipOf {
  key: string;
  text: string;
  title: string;
  kind: "condition" | "preset";
  excluded: boolean;
  remove: () => void;
}

/** Chips are the conditions that hold now; each goes by a click, Backspace or Delete. */
export function Chips() {
  const [filter, change] = useFilter();
  const presets = usePresets();
  const list = useRef<HTMLUListElement>(null);
  const chips: ChipOf[] = [];

  if (filter.preset) {
    const preset = presets.data?.find(({ id }) => id === filter.preset);
    chips.push({
      key: "preset",
      title: preset ? words(preset.filter).join("\n") : "",
      text: preset?.name ?? (presets.isPending ? "Preset" : "A preset that is gone"),
      kind: "preset",
      excluded: false,
      remove: () => change({ preset: "" }),
    });
  }
  if (filter.include)
    chips.push({
      key: "include",
      title: "Events older than the retention are searched too: this is slower",
      text: "with the archive",
      kind: "preset",
      excluded: false,
      remove: () => change({ include: "" }),
    });
  const found = terms(filter.q);
  // Alternatives are one condition: what is left of them would mean something else.
  if (found === null)
    chips.push({
      key: filter.q,
      text: filter.q,
      title: filter.q,
      kind: "condition",
      excluded: false,
      remove: () => change({ q: "" }),
    });
  for (const term of found ?? [])
    chips.push({
      key: `${term.from} ${term.text}`,
      text: term.text,
      title: term.text,
      kind: "condition",
      excluded: term.excluded,
      remove: () => change({ q: without(filter.q, term) }),
    });
  if (chips.length === 0) return null;

  const remove = (chip: ChipOf, index: number) => {
    chip.remove();
    announce(`Took out ${chip.text}`);
    // The focus goes to what takes the place of the chip.
    requestAnimationFrame(() => {
      const buttons = list.current?.querySelectorAll("button") ?? [];
      const next =
        buttons[Math.min(index, buttons.length - 1)] ?? document.querySelector<HTMLElement>(".filterbar-q input");
      next?.focus();
    });
  };

  return (
    <div className="chips">
      <ul ref={list} aria-label="Active filters">
        {chips.map((chip, i) => (
          <li key={chip.key}>
            <button
              type="button"
              className={`chip ${chip.excluded ? "chip-excluded" : ""} ${chip.kind === "preset" ? "chip-preset" : "mono"}`}
              aria-label={`Take out ${chip.key === "preset" ? "the preset " : ""}${chip.text}`}
              title={chip.title}
              onClick={() => remove(chip, i)}
              onKeyDown={(event) => {
                if (event.key !== "Backspace" && event.key !== "Delete") return;
                event.preventDefault();
                remove(chip, i);
              }}
            >
              <span className="chip-text">{chip.text}</span>
              <span aria-hidden="true">✕</span>
            </button>
          </li>
        ))}
      </ul>
      <button
        type="button"
        className="button quiet"
        onClick={() => {
          change({ q: "", preset: "", include: "" });
          announce("No filter now");
        }}
      >
        Clear all
      </button>
    </div>
  );
}
