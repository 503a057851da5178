import { type KeyboardEvent, type PointerEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Marks } from "../../search/marks.ts";
import { announce } from "../../ui/announce.tsx";
import type { Conditions } from "./conditions.ts";
import type { Value } from "./json.ts";
import { everything, leadingTo, type Row, rowsOf, startOpen } from "./rows.ts";
import { TreeRow } from "./treerow.tsx";
import "./tree.css";

/** How many rows unfolding everything may make. */
const mostRows = 3000;

/** What a tree knows of the values that it shows. */
export interface TreeOf {
  root: Value;
  path: (value: Value) => string;
  conditions: (value: Value) => Conditions | null;
}

/**
 * Tree shows the members of a value, to be folded and unfolded. Keys are those of the ARIA pattern of trees: up and
 * down, right to unfold, left to fold or to go to the parent, home, end, * for all on the level; the tab key goes to
 * what can be done with the value.
 */
export function Tree({ of, label, marks }: { of: TreeOf; label: string; marks?: Marks }) {
  const { root } = of;
  const [open, setOpen] = useState<ReadonlySet<string>>(() => startOpen(root));
  const [active, setActive] = useState("");
  const [hovered, setHovered] = useState("");
  const element = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => rowsOf(root, open), [root, open]);

  useEffect(() => {
    if (!marks || marks.keys.size + marks.values.size === 0) return;
    const ids = [...marks.keys.keys(), ...marks.values.keys()].flatMap((pointer) => leadingTo(root, pointer));
    setOpen((before) => new Set([...before, ...ids]));
  }, [root, marks]);

  const fold = useCallback((ids: readonly string[], unfold: boolean) => {
    setOpen((before) => {
      const after = new Set(before);
      for (const id of ids) unfold ? after.add(id) : after.delete(id);
      return after;
    });
  }, []);

  const at = Math.max(
    0,
    rows.findIndex(({ id }) => id === active),
  );
  const focus = (i: number) => {
    const row = rows[i];
    if (!row) return;
    setActive(row.id);
    (element.current?.children[i] as HTMLElement | undefined)?.focus();
  };

  const keys = (event: KeyboardEvent) => {
    const row = rows[at];
    // What has the focus inside of a row keeps its keys.
    if (!row || event.ctrlKey || event.metaKey || event.altKey || !(event.target as HTMLElement).dataset["row"]) return;
    if (!act(event.key, row)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  const act = (key: string, row: Row): boolean => {
    switch (key) {
      case "ArrowDown":
        focus(at + 1);
        return true;
      case "ArrowUp":
        focus(at - 1);
        return true;
      case "Home":
        focus(0);
        return true;
      case "End":
        focus(rows.length - 1);
        return true;
      case "ArrowRight":
        if (row.open === false) fold([row.id], true);
        else if (row.open) focus(at + 1);
        return true;
      case "ArrowLeft":
        if (row.open) fold([row.id], false);
        else focus(parentOf(rows, at));
        return true;
      case "*":
        fold(
          siblingsOf(rows, at).map(({ id }) => id),
          true,
        );
        return true;
      case "Enter":
      case " ":
        if (row.open === null) element.current?.children[at]?.querySelector<HTMLElement>(".tree-more")?.click();
        else fold([row.id], !row.open);
        return true;
      default:
        return false;
    }
  };

  const unfoldAll = () => {
    const { open: all, whole } = everything(root, mostRows);
    setOpen(all);
    announce(
      whole ? "Everything is unfolded" : `The first ${mostRows} rows are unfolded; the rest is too much at once`,
    );
  };

  const hover = (event: PointerEvent) =>
    setHovered((event.target as Element).closest<HTMLElement>("[data-row]")?.dataset["row"] ?? "");

  const folds = rows.some((row) => row.open !== null);
  return (
    <>
      {folds && (
        <div className="tree-tools">
          <button type="button" className="button quiet" aria-label={`Unfold all: ${label}`} onClick={unfoldAll}>
            Unfold all
          </button>
          <button
            type="button"
            className="button quiet"
            aria-label={`Fold all: ${label}`}
            onClick={() => setOpen(new Set())}
          >
            Fold all
          </button>
        </div>
      )}
      <div
        role="tree"
        aria-label={label}
        className="tree"
        ref={element}
        tabIndex={-1}
        onKeyDown={keys}
        onPointerOver={hover}
        onPointerLeave={() => setHovered("")}
      >
        {rows.map((row, i) => (
          <TreeRow
            key={row.id}
            row={row}
            of={of}
            active={i === at}
            acting={row.id === active || row.id === hovered}
            marks={marks}
            onActive={setActive}
            onFold={fold}
          />
        ))}
      </div>
    </>
  );
}

function parentOf(rows: readonly Row[], at: number): number {
  const level = rows[at]?.level ?? 1;
  for (let i = at - 1; i >= 0; i--) if ((rows[i]?.level ?? 0) < level) return i;
  return at;
}

function siblingsOf(rows: readonly Row[], at: number): Row[] {
  const level = rows[at]?.level ?? 1;
  const from = parentOf(rows, at);
  const found: Row[] = [];
  for (let i = level === 1 ? 0 : from + 1; i < rows.length; i++) {
    const row = rows[i] as Row;
    if (row.level < level) break;
    if (row.level === level && row.open !== null) found.push(row);
  }
  return found;
}
