import type { ReactNode } from "react";
import { Problem, Unreachable } from "../api/client.ts";
import "./state.css";

/** Loading says that something comes. It shows nothing for its first moments, which most answers take. */
export function Loading({ what }: { what: string }) {
  return (
    <div className="state state-late" role="status">
      <svg className="spinner" viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
        <path
          d="M8 1.5a6.5 6.5 0 1 1-6.5 6.5"
          fill="none"
          stroke="currentColor"
          strokeWidth="2"
          strokeLinecap="round"
        />
      </svg>
      <p>Loading {what} …</p>
    </div>
  );
}

/** Empty says that there is nothing, and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="state" role="status">
      <p className="state-title">{title}</p>
      {children}
    </div>
  );
}

/** Failed says what went wrong, what to do, and offers to try again. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <div className="state" role="alert">
      <p className="state-title">{titleOf(error)}</p>
      <p>{adviceOf(error)}</p>
      {error instanceof Problem && error.requestId && (
        <p className="muted">
          Request <code>{error.requestId}</code>
        </p>
      )}
      {retry && (
        <button type="button" className="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

function titleOf(error: unknown): string {
  if (error instanceof Unreachable) return "Daybook can't be reached";
  if (error instanceof Problem)
    return error.status >= 500
      ? "Daybook can't answer at the moment"
      : error.status === 403
        ? "Not allowed"
        : "That didn't work";
  return "Something went wrong in this page";
}

function adviceOf(error: unknown): string {
  if (error instanceof Unreachable)
    return "Check that the server runs and that you are online. The page tries again by itself.";
  return error instanceof Error ? error.message : String(error);
}
