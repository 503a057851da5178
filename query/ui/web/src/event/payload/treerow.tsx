import { type MouseEvent, memo, useId, useState } from "react";
import type { Marks } from "../../search/marks.ts";
import { count } from "../../state/numbers.ts";
import { copy } from "../../ui/announce.tsx";
import { ValueActions } from "../actions.tsx";
import { Icon } from "../icons.tsx";
import { branch, plain, type Value, written } from "./json.ts";
import { Marked } from "./marked.tsx";
import type { Row } from "./rows.ts";
import { cutAt } from "./text.ts";
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
  const text = useId();
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
      aria-labelledby={text}
      tabIndex={active ? 0 : -1}
      style={{ paddingLeft: indent(level) }}
      onClick={click}
      onFocus={() => onActive(row.id)}
    >
      <span className={open ? "tree-sign tree-open" : "tree-sign"}>{open !== null && <Icon of="fold" />}</span>
      <span className="tree-text" id={text}>
        {row.slice ? (
          <Slice value={value} slice={row.slice} />
        ) : (
          <>
            <Key value={value} id={row.id} marks={marks} />
            {branch(value) ? <Inside value={value} open={open === true} /> : <Leaf row={row} marks={marks} />}
          </>
        )}
      </span>
      {acting && !row.slice && <Actions value={value} of={of} reachable={active} />}
    </div>
  );
});

/** Deep levels move in less, so that their values keep room. */
function indent(level: number): number {
  const depth = level - 1;
  return Math.min(depth, 10) * 14 + Math.max(depth - 10, 0) * 2;
}

/** what names what an object or a list has. */
function what(value: Value): string {
  return value.kind === "object" ? "member" : "element";
}

function Slice({ value, slice: [from, to] }: { value: Value; slice: readonly [from: number, to: number] }) {
  return (
    <span className="muted">
      {what(value)}s {from} to {to - 1}
    </span>
  );
}

function Key({ value, id, marks }: { value: Value; id: string; marks: Marks | undefined }) {
  return (
    <span className={typeof value.key === "number" ? "tree-key muted" : "tree-key"}>
      <Marked text={String(value.key) || '""'} ranges={marks?.keys.get(id)} />:
    </span>
  );
}

/** Inside says how much there is in an object or a list, and while it is folded how it begins: seen only, for the name would get long. */
function Inside({ value, open }: { value: Value; open: boolean }) {
  const n = value.children.length;
  const begins = value.text.slice(value.from, Math.min(value.to, value.from + 120));
  return (
    <span className="tree-inside">
      <span className="tree-size">
        {count(n)} {what(value)}
        {n !== 1 && "s"}
      </span>
      {!open && <span className="tree-preview" aria-hidden="true" data-begins={begins} />}
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
        <Marked text={written(value)} ranges={ranges} />
      </span>
    );
  const text = plain(value);
  // What matched is shown, unless it is very far.
  const least = Math.min(ranges?.at(-1)?.[1] ?? 0, steps[1] as number) + 20;
  const shown = cutAt(text, Math.max(steps[step] as number, ranges ? least : 0));
  const rest = text.length - shown;
  return (
    <span className="tree-value tree-string">
      "
      <bdi>
        <Marked text={text.slice(0, shown)} ranges={ranges} />
      </bdi>
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
