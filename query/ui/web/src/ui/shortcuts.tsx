import { useEffect, useRef, useState } from "react";
import { Dialog } from "./dialog.tsx";

interface Shortcut {
  keys: string[];
  does: string;
}

const known = new Map<symbol, Shortcut>();

const always = () => true;

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/**
 * useShortcut makes a key do something while the caller is on the page, except while somebody types or a
 * dialog is open. The list of `?` shows it. Keys are as KeyboardEvent.key spells them. Where `when` says no, the key
 * does what it does by itself.
 */
export function useShortcut(
  key: string | string[],
  does: string,
  run: (event: KeyboardEvent) => void,
  enabled = true,
  when: () => boolean = always,
) {
  const latest = useRef(run);
  latest.current = run;
  const allowed = useRef(when);
  allowed.current = when;
  const keys = Array.isArray(key) ? key.join("\n") : key;
  useEffect(() => {
    if (!enabled) return;
    const list = keys.split("\n");
    const id = Symbol(does);
    known.set(id, { keys: list, does });
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      if (!list.includes(event.key) || !allowed.current() || document.querySelector("dialog[open]")) return;
      // A button that has the focus keeps what presses it.
      if (
        (event.key === " " || event.key === "Enter") &&
        event.target instanceof HTMLElement &&
        event.target.closest("button, a, summary, [role=menuitem]")
      )
        return;
      event.preventDefault();
      latest.current(event);
    };
    window.addEventListener("keydown", listen);
    return () => {
      known.delete(id);
      window.removeEventListener("keydown", listen);
    };
  }, [keys, does, enabled]);
}

const spelt: Record<string, string> = { " ": "Space", ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc" };

/** ShortcutList is the list that `?` opens. */
export function ShortcutList() {
  const [open, setOpen] = useState(false);
  useShortcut("?", "this list", () => setOpen(true));
  if (!open) return null;
  return (
    <Dialog title="Keys" onClose={() => setOpen(false)}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">Does</th>
          </tr>
        </thead>
        <tbody>
          {[...known.values()].map(({ keys, does }) => (
            <tr key={does}>
              <td>
                {keys.map((key, i) => (
                  <span key={key}>
                    {i > 0 && " or "}
                    <kbd>{spelt[key] ?? key}</kbd>
                  </span>
                ))}
              </td>
              <td>{does}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  );
}
