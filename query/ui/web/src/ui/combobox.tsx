import { type KeyboardEvent, type ReactNode, useId, useState } from "react";
import { Listbox, type Option, optionId } from "./listbox.tsx";

/**
 * Combobox is an input with a list of what fits. Enter takes the option that the arrows are at, else the first.
 * What fits is the caller's to say, by the text.
 */
export function Combobox({
  label,
  text,
  onText,
  options,
  onChoose,
  onLeave,
  placeholder,
  note,
}: {
  label: string;
  text: string;
  onText: (text: string) => void;
  options: readonly Option[];
  onChoose: (key: string) => void;
  /** What was typed and not chosen is left. */
  onLeave?: () => void;
  placeholder?: string;
  note?: ReactNode;
}) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const shown = open && (options.length > 0 || note !== undefined);

  const choose = (index: number) => {
    const option = options[index];
    if (!option) return;
    setOpen(false);
    setActive(-1);
    onChoose(option.key);
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) setOpen(true);
      else if (options.length > 0)
        setActive((active + (event.key === "ArrowDown" ? 1 : active < 0 ? 0 : -1) + options.length) % options.length);
    } else if (event.key === "Enter" && shown) {
      event.preventDefault();
      choose(Math.max(active, 0));
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      setOpen(false);
      setActive(-1);
    }
  };

  return (
    <div className="combobox">
      <input
        className="input"
        role="combobox"
        aria-label={label}
        aria-expanded={shown}
        aria-controls={id}
        aria-autocomplete="list"
        aria-activedescendant={shown && active >= 0 ? optionId(id, active) : undefined}
        autoComplete="off"
        spellCheck={false}
        placeholder={placeholder}
        value={text}
        onChange={(event) => {
          onText(event.target.value);
          setOpen(true);
          setActive(-1);
        }}
        onFocus={(event) => {
          event.target.select();
          setOpen(true);
        }}
        onClick={() => setOpen(true)}
        onBlur={() => {
          setOpen(false);
          setActive(-1);
          onLeave?.();
        }}
        onKeyDown={keys}
      />
      {shown && <Listbox id={id} label={label} options={options} active={active} onChoose={choose} note={note} />}
    </div>
  );
}
