import { useEffect, useRef } from "react";

/** Names the page and, on arrival, puts the focus on its heading, as a full page load would. */
export function useTitle<E extends HTMLElement = HTMLHeadingElement>(title: string | null) {
  const heading = useRef<E>(null);
  useEffect(() => {
    document.title = title ? `${title} · Paiban` : "Paiban 排版";
  }, [title]);
  useEffect(() => {
    // The first page of a visit keeps the browser's own order: nobody has moved yet.
    if (arrived) heading.current?.focus({ preventScroll: true });
    arrived = true;
  }, []);
  return heading;
}

let arrived = false;
