// Signs of buttons. Each button that has one has a name as well.

const paths = {
  include: "M8 3v10M3 8h10",
  exclude: "M3 8h10",
  copy: "M6 6V3h7v7h-3M3 6h7v7H3Z",
  path: "M2.5 4.5h3v3h-3ZM4 7.5V12h4M10.5 10.5h3v3h-3ZM8 12h2.5",
  link: "M7 9a3 3 0 0 0 4.2 0l2-2A3 3 0 0 0 9 2.8l-.8.8M9 7a3 3 0 0 0-4.2 0l-2 2A3 3 0 0 0 7 13.2l.8-.8",
  up: "M3.5 10 8 5.5l4.5 4.5",
  down: "M3.5 6 8 10.5 12.5 6",
  fold: "M6 3.5 10.5 8 6 12.5",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  compare: "M5.5 3 3 5.5 5.5 8M3 5.5h9M10.5 8l2.5 2.5L10.5 13M13 10.5H4",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM10.5 10.5l3.5 3.5",
} as const;

/** Icon draws a sign in the colour of the text. */
export function Icon({ of }: { of: keyof typeof paths }) {
  return (
    <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" className="icon">
      <path d={paths[of]} />
    </svg>
  );
}
