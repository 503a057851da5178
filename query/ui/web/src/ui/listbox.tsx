import { type ReactNode, useEffect, useRef } from "react";
import "./listbox.css";

export interface Option {
  key: string;
  label: ReactNode;
  detail?: ReactNode;
}

/** optionId is the element's id of an option, for aria-activedescendant. */
export function optionId(list: string, index: number): string {
  return `${list}-${index}`;
}

/** Listbox is the list below a combobox, which keeps the focus. active is the option that Enter would take; -1: none. */
export function Listbox({
  id,
  label,
  options,
  active,
  onChoose,
  note,
}: {
  id: string;
  label: string;
  options: readonly Option[];
  active: number;
  onChoose: (index: number) => void;
  note?: ReactNode;
}) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (active >= 0) element.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [active]);
  return (
    <div className="listbox" ref={element}>
      <div role="listbox" id={id} aria-label={label}>
        {options.map((option, i) => (
          // biome-ignore lint/a11y/useFocusableInteractive: The focus stays in the input; aria-activedescendant tells which option it is at.
          // biome-ignore lint/a11y/useKeyWithClickEvents: The input takes the keys.
          <div
            key={option.key}
            id={optionId(id, i)}
            role="option"
            aria-selected={i === active}
            className="listbox-option"
            // The input would lose the focus to a press.
            onPointerDown={(event) => event.preventDefault()}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => onChoose(i)}
          >
            <span className="listbox-label">{option.label}</span>
            {option.detail !== undefined && <span className="listbox-detail">{option.detail}</span>}
          </div>
        ))}
      </div>
      {note && <p className="listbox-note">{note}</p>}
    </div>
  );
}
