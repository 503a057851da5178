import type { ReactNode } from "react";
import { copy } from "../ui/announce.tsx";
import { Icon } from "./icons.tsx";
import { useNarrow } from "./narrow.ts";
import type { Conditions } from "./payload/conditions.ts";

/** ValueActions are what can be done with a value: search for it, search without it, copy it. */
export function ValueActions({
  name,
  conditions,
  value,
  reachable = true,
  children,
}: {
  name: string; // of what the value is of
  conditions: Conditions | null;
  value: () => string; // only called when it is copied: it may be long
  reachable?: boolean; // by the tab key
  children?: ReactNode;
}) {
  const { has, toggle } = useNarrow();
  const tabIndex = reachable ? 0 : -1;
  return (
    <span className="value-actions">
      {conditions && (
        <>
          <button
            type="button"
            className="sign-button"
            tabIndex={tabIndex}
            aria-pressed={has(conditions.include)}
            aria-label={`Only ${conditions.words}`}
            title={conditions.include}
            onClick={() => toggle(conditions.include)}
          >
            <Icon of="include" />
          </button>
          <button
            type="button"
            className="sign-button"
            tabIndex={tabIndex}
            aria-pressed={has(conditions.exclude)}
            aria-label={`Not ${conditions.words}`}
            title={conditions.exclude}
            onClick={() => toggle(conditions.exclude)}
          >
            <Icon of="exclude" />
          </button>
        </>
      )}
      {children}
      <button
        type="button"
        className="sign-button"
        tabIndex={tabIndex}
        aria-label={`Copy the value of ${name}`}
        title="Copy the value"
        onClick={() => void copy(value(), name)}
      >
        <Icon of="copy" />
      </button>
    </span>
  );
}
