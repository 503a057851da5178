import { useSyncExternalStore } from "react";

// What happened, for people who can't see it and, for a moment, for those who can.

let current = "";
let listener: (() => void) | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

/** announce shows a short message for a few seconds, and has screen readers read it out. */
export function announce(text: string) {
  current = text;
  listener?.();
  clearTimeout(timer);
  timer = setTimeout(() => {
    current = "";
    listener?.();
  }, 4000);
}

export function Announcer() {
  const text = useSyncExternalStore(
    (changed) => {
      listener = changed;
      return () => {
        listener = undefined;
      };
    },
    () => current,
  );
  return (
    <div className="announcer" role="status" aria-live="polite">
      {text && <p>{text}</p>}
    </div>
  );
}

/** copy puts a text on the clipboard and says so. */
export async function copy(text: string, what: string) {
  try {
    await navigator.clipboard.writeText(text);
    announce(`Copied ${what}`);
  } catch {
    announce(`The browser didn't let the page copy ${what}`);
  }
}
