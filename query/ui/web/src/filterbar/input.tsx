import { type KeyboardEvent, useId, useLayoutEffect, useRef, useState } from "react";
import { atCaret } from "../query/language.ts";
import type { Filter } from "../state/filter.ts";
import { Listbox, optionId } from "../ui/listbox.tsx";
import { useShortcut } from "../ui/shortcuts.tsx";
import { type Completion, completed, hasValues, names, values } from "./completion.ts";
import type { FaultPlace } from "./fault.tsx";
import { scopeOf, useFields, useValues } from "./fields.ts";

/** How many completions are shown: more are found by typing on. */
const most = 50;

/**
 * QueryInput is the input of q. It completes names and values and marks where a fault is. Enter searches, unless the
 * arrows have chosen a completion; Tab takes the first one of what is being typed.
 */
export function QueryInput({
  text,
  onText,
  filter,
  fault,
  describedBy,
}: {
  text: string;
  onText: (text: string) => void;
  filter: Filter;
  fault: FaultPlace | null;
  describedBy: string | undefined;
}) {
  const input = useRef<HTMLInputElement>(null);
  const mirror = useRef<HTMLDivElement>(null);
  const list = useId();
  const [caret, setCaret] = useState(0);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const [focused, setFocused] = useState(false);
  const goTo = useRef<number | null>(null);

  const at = atCaret(text, Math.min(caret, text.length));
  const fields = useFields(scopeOf(filter), at.kind === "name" ? at.typed : "", focused);
  const found = useValues(filter, at.field, at.typed, open && at.kind === "value" && hasValues(at));
  const completions: Completion[] = open
    ? (at.kind === "name" ? names(fields, at.typed) : values(at, found)).slice(0, most)
    : [];
  const shown = completions.length > 0;
  const chosen = Math.min(active, completions.length - 1);

  useShortcut("/", "go to the search bar", () => {
    input.current?.focus();
    input.current?.select();
  });

  // The caret is put behind what was completed once the input has it.
  useLayoutEffect(() => {
    if (goTo.current === null) return;
    input.current?.setSelectionRange(goTo.current, goTo.current);
    goTo.current = null;
  });

  const close = () => {
    setOpen(false);
    setActive(-1);
  };
  const accept = (index: number) => {
    const completion = completions[index];
    if (!completion) return;
    const next = completed(text, at, completion);
    onText(next.q);
    setCaret(next.caret);
    goTo.current = next.caret;
    setActive(-1);
    // After a name come its values; after a value comes whatever one likes.
    setOpen(at.kind === "name");
  };
  const keys = (event: KeyboardEvent<HTMLInputElement>) => {
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp": {
        event.preventDefault();
        if (!shown) return setOpen(true);
        const from = chosen < 0 && event.key === "ArrowUp" ? 0 : chosen;
        return setActive((from + (event.key === "ArrowDown" ? 1 : -1) + completions.length) % completions.length);
      }
      case "Enter":
        if (!shown || chosen < 0) return close(); // The form searches.
        event.preventDefault();
        return accept(chosen);
      case "Tab":
        if (event.shiftKey || !shown || (chosen < 0 && at.typed === "")) return close();
        event.preventDefault();
        return accept(Math.max(chosen, 0));
      case "Escape":
        event.preventDefault();
        if (shown) return close();
        return input.current?.blur();
    }
  };
  const scrolled = () => {
    if (mirror.current && input.current) mirror.current.scrollLeft = input.current.scrollLeft;
  };

  return (
    <div className="filterbar-q">
      <input
        ref={input}
        className="input mono"
        role="combobox"
        aria-label="Search"
        aria-expanded={shown}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={shown && chosen >= 0 ? optionId(list, chosen) : undefined}
        aria-invalid={fault !== null}
        aria-describedby={describedBy}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        enterKeyHint="search"
        placeholder="Search: declined, severity:WARN+, payload.amount:>100 …"
        value={text}
        onChange={(event) => {
          onText(event.target.value);
          setCaret(event.target.selectionStart ?? event.target.value.length);
          const next = atCaret(event.target.value, event.target.selectionStart ?? 0);
          setOpen(next.kind === "value" || next.typed !== "");
          setActive(-1);
        }}
        onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
        onKeyDown={keys}
        onFocus={() => setFocused(true)}
        onBlur={() => {
          setFocused(false);
          close();
        }}
        onScroll={scrolled}
      />
      {fault && (
        <div className="filterbar-mirror mono" aria-hidden="true" ref={mirror}>
          {fault.before}
          <span className="filterbar-wrong">{fault.wrong || " "}</span>
          {fault.after}
        </div>
      )}
      {shown && (
        <Listbox
          id={list}
          label={at.kind === "name" ? "Fields" : `Values of ${at.field}`}
          options={completions.map(({ insert, label, detail }) => ({ key: insert, label, detail }))}
          active={chosen}
          onChoose={accept}
        />
      )}
    </div>
  );
}
