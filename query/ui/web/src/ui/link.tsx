import type { AnchorHTMLAttributes, MouseEvent } from "react";
import { go } from "../state/location.ts";

/** Link moves within the page; with a modifier key or the middle button the browser opens it as any link. */
export function Link({ to, onClick, ...rest }: { to: string } & AnchorHTMLAttributes<HTMLAnchorElement>) {
  const click = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    event.preventDefault();
    go(to);
  };
  return <a href={to} onClick={click} {...rest} />;
}
