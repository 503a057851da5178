import type { Look } from "./look.ts";

/** Swatch is the colour and the shape of a series. */
export function Swatch({ look, off = false }: { look: Look; off?: boolean }) {
  return (
    <svg className="swatch" viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
      <path
        d={look.shape}
        fill={off ? "none" : `var(${look.line})`}
        stroke={`var(${look.line})`}
        strokeWidth={off ? 1.5 : 0}
      />
    </svg>
  );
}
