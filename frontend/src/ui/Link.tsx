import type { AnchorHTMLAttributes, MouseEvent } from "react";
import { navigate } from "../app/router";

type Props = AnchorHTMLAttributes<HTMLAnchorElement> & { to: string };

/** A real link, so that new tabs, copying and screen readers work; a plain click stays in the app. */
export function Link({ to, onClick, ...rest }: Props) {
  const go = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!plain || event.defaultPrevented) return;
    event.preventDefault();
    navigate(to);
  };
  return <a href={to} onClick={go} {...rest} />;
}
