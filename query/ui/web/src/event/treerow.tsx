import { type MouseEvent, memo, useState } from "react";
import { cut, type Marks } from "../search/marks.ts";
import { count } from "../state/numbers.ts";
import { copy } from "../ui/announce.tsx";
import { ValueActions } from "./actions.tsx";
import { Icon } from "./icons.tsx";
import { branch, plain, type Value, written } from "./json.ts";
import { Marked } from "./marked.tsx";
import type { Row } from "./rows.ts";
import { cutAt, shortened } from "./text.ts";
import type { TreeOf } from "./tree.tsx";

/** How much of a text is shown at first, and each time that more of it is asked for. */
const steps = [300, 10_000, 100_000, Number.POSITIVE_INFINITY];

/** TreeRow is a value in a tree, with what can be done with it while it is looked at. */
export const TreeRow = memo(function TreeRow({
  row,
  of,
  active,
  acting,
  marks,
  onActive,
  onFold,
}: {
  row: Row;
  of: TreeOf;
  active: boolean; // the tab key reaches it
  acting: boolean;
  marks: Marks | undefined;
  onActive: (id: string) => void;
  onFold: (ids: readonly string[], unfold: boolean) => void;
}) {
  const { value, open, level } = row;
  const click = (event: MouseEvent<HTMLElement>) => {
    onActive(row.id);
    if (open === null || (event.target as Element).closest("button") || window.getSelection()?.isCollapsed === false)
      return;
    onFold([row.id], !open);
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: The tree takes the keys of its rows.
    <div
      role="treeitem"
      className="tree-row"
      data-row={row.id}
      aria-level={level}
      aria-posinset={row.position}
      aria-setsize={row.siblings}
      aria-expanded={open ?? undefined}
      aria-selected={active}
      aria-label={nameOf(row)}
      tabIndex={active ? 0 : -1}
      style={{ paddingLeft: indent(level) }}
      onClick={click}
      onFocus={() => onActive(row.id)}
    >
      <span className={open ? "tree-sign tree-open" : "tree-sign"}>{open !== null && <Icon of="fold" />}</span>
      {row.slice ? (
        <span className="muted">
          {row.slice[0]} … {row.slice[1] - 1}
        </span>
      ) : (
        <>
          <Key value={value} id={row.id} marks={marks} />
          {branch(value) ? <Inside value={value} open={open === true} /> : <Leaf row={row} marks={marks} />}
          {acting && <Actions value={value} of={of} reachable={active} />}
        </>
      )}
    </div>
  );
});

/** Deep levels move in less, so that their values keep room. */
function indent(level: number): number {
  const depth = level - 1;
  return Math.min(depth, 10) * 14 + Math.max(depth - 10, 0) * 2;
}

function nameOf({ value, slice }: Row): string {
  const inside = value.kind === "object" ? "members" : "elements";
  if (slice) return `${inside} ${slice[0]} to ${slice[1] - 1}`;
  if (value.kind === "object" || value.kind === "array")
    return `${value.key}: ${value.kind === "object" ? "object" : "list"}, ${count(value.children.length)} ${inside}`;
  return `${value.key}: ${shortened(written(value))}`;
}

function Key({ value, id, marks }: { value: Value; id: string; marks: Marks | undefined }) {
  return (
    <span className={typeof value.key === "number" ? "tree-key muted" : "tree-key"}>
      <Marked pieces={cut(String(value.key) || '""', marks?.keys.get(id))} />:
    </span>
  );
}

/** Inside says how much there is in an object or a list, and while it is folded how it begins. */
function Inside({ value, open }: { value: Value; open: boolean }) {
  const n = count(value.children.length);
  return (
    <span className="tree-inside">
      <span className="tree-size">{value.kind === "object" ? `{${n}}` : `[${n}]`}</span>
      {!open && (
        <span className="tree-preview">{value.text.slice(value.from, Math.min(value.to, value.from + 120))}</span>
      )}
    </span>
  );
}

function Leaf({ row, marks }: { row: Row; marks: Marks | undefined }) {
  const { value } = row;
  const ranges = marks?.values.get(row.id);
  const [step, setStep] = useState(0);
  if (value.kind !== "string")
    return (
      <span className={`tree-value tree-${value.kind}`}>
        <Marked pieces={cut(written(value), ranges)} />
      </span>
    );
  const text = plain(value);
  // What matched is shown, unless it is very far.
  const least = Math.min(ranges?.at(-1)?.[1] ?? 0, steps[1] as number) + 20;
  const shown = cutAt(text, Math.max(steps[step] as number, ranges ? least : 0));
  const rest = text.length - shown;
  return (
    <span className="tree-value tree-string">
      "<bdi>{<Marked pieces={cut(text.slice(0, shown), ranges)} />}</bdi>
      {rest > 0 ? (
        <button type="button" tabIndex={-1} className="tree-more" onClick={() => setStep(step + 1)}>
          … {count(rest)} more characters
        </button>
      ) : (
        '"'
      )}
      {rest === 0 && step > 0 && (
        <button type="button" tabIndex={-1} className="tree-more" onClick={() => setStep(0)}>
          less
        </button>
      )}
    </span>
  );
}

function Actions({ value, of, reachable }: { value: Value; of: TreeOf; reachable: boolean }) {
  const path = of.path(value);
  return (
    <span className="tree-actions">
      <ValueActions name={path} conditions={of.conditions(value)} value={() => plain(value)} reachable={reachable}>
        <button
          type="button"
          className="sign-button"
          tabIndex={reachable ? 0 : -1}
          aria-label={`Copy the path ${path}`}
          title={`Copy the path ${path}`}
          onClick={() => void copy(path, "the path")}
        >
          <Icon of="path" />
        </button>
      </ValueActions>
    </span>
  );
}
