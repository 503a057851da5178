import { useState } from "react";
import type { Field } from "../../api/types.ts";
import { fieldsLike } from "../../filterbar/completion.ts";
import { scopeOf, useFields } from "../../filterbar/fields.ts";
import { useFilter } from "../../state/filter.ts";
import { Combobox } from "../../ui/combobox.tsx";

const most = 30;

/** isPath reports whether a name can be one of a payload's values, whether events have it or not. */
function isPath(name: string): boolean {
  return /^payload\.[^.\s]/.test(name);
}

function typesOf({ types, share }: Field): string {
  const percent = share >= 0.01 ? `${Math.round(share * 100)} %` : "<1 %";
  return types.length > 0 ? `${types.map(({ type }) => type).join(", ")} · ${percent}` : "";
}

/** FieldBox chooses a field of the events that the filter finds, with completion. */
export function FieldBox({
  label,
  value,
  numbers = false,
  taken = [],
  placeholder,
  onChoose,
}: {
  label: string;
  value: string;
  /** Only what holds numbers. */
  numbers?: boolean;
  /** Names that are not offered. */
  taken?: readonly string[];
  placeholder?: string;
  onChoose: (name: string) => void;
}) {
  const [filter] = useFilter();
  const [asked, setAsked] = useState(false);
  const [typed, setTyped] = useState<string | null>(null);
  const text = typed ?? value;
  const fields = useFields(scopeOf(filter), typed ?? "", asked).filter(
    ({ name, types }) =>
      !taken.includes(name) &&
      name !== "createdAt" &&
      name !== "ingestedAt" &&
      (numbers ? types.some(({ type }) => type === "number") : types.length === 0 || types.some(groups)),
  );
  const options = fieldsLike(fields, typed ?? "")
    .slice(0, most)
    .map((field) => ({ key: field.name, label: field.name, detail: typesOf(field) }));
  const free = typed !== null && isPath(typed.trim()) && !options.some(({ key }) => key === typed.trim());
  if (free) options.push({ key: text.trim(), label: text.trim(), detail: "as typed" });

  const choose = (name: string) => {
    setTyped(null);
    onChoose(name);
  };
  // What was typed whole counts although nobody chose it; anything else is left as it was.
  const leave = () => {
    const name = (typed ?? "").trim();
    if (typed !== null && name !== value && fields.some((field) => field.name === name)) choose(name);
    else setTyped(null);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: It only watches the focus of the input.
    <div className="fieldbox" onFocus={() => setAsked(true)} onBlur={leave}>
      <Combobox
        label={label}
        text={text}
        onText={setTyped}
        options={options}
        onChoose={choose}
        {...(placeholder && { placeholder })}
        {...(options.length === 0 && asked && { note: noteOf(numbers) })}
      />
    </div>
  );
}

/** groups reports whether a type has values that stand for groups: objects have not. */
function groups({ type }: { type: string }): boolean {
  return type !== "object";
}

function noteOf(numbers: boolean): string {
  return numbers
    ? "No number of that name is in these events. Numbers are in payloads: write payload.PATH."
    : "No field of that name is in these events. What is in payloads is written payload.PATH.";
}
