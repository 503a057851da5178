import type { Severity } from "../api/types.ts";
import "./severity.css";

// A severity is never shown by colour alone: each has a shape and its name.
const shapes: Record<Severity, string> = {
  INFO: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Z",
  WARN: "M8 1.5 15 14H1Z",
  ERROR: "M8 1 15 8l-7 7-7-7Z",
  CRITICAL: "M5 1h6l4 4v6l-4 4H5l-4-4V5Z",
};

/** severityShape is the path of a severity's sign, in a box of 16. */
export function severityShape(severity: Severity): string {
  return shapes[severity] ?? shapes.INFO;
}

/** SeverityMark is a severity's sign and name; with short, the name is only read out. */
export function SeverityMark({ severity, short = false }: { severity: Severity; short?: boolean }) {
  return (
    <span className={`severity severity-${severity.toLowerCase()}`} title={short ? severity : undefined}>
      <svg viewBox="0 0 16 16" width="10" height="10" aria-hidden="true">
        <path d={severityShape(severity)} fill="currentColor" />
      </svg>
      <span className={short ? "hidden-text" : undefined}>{severity}</span>
    </span>
  );
}
