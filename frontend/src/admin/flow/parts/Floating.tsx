import { useEffect, useLayoutEffect, useRef, type ReactNode } from "react";
import { useDesk } from "../desk";
import type { Point } from "../types";

interface Props {
  at: Point;
  label: string;
  role?: "dialog" | "menu";
  onClose: () => void;
  children: ReactNode;
}

/** A small panel at a point of the screen, kept inside the editor. Pressing beside it closes it. */
export function Floating({ at, label, role = "dialog", onClose, children }: Props) {
  const desk = useDesk();
  const panel = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const [own, frame] = [panel.current, desk.box.querySelector(".fe")?.getBoundingClientRect()];
    if (!own || !frame) return;
    own.style.left = `${Math.max(8, Math.min(at[0] - frame.left, frame.width - own.offsetWidth - 8))}px`;
    own.style.top = `${Math.max(8, Math.min(at[1] - frame.top, frame.height - own.offsetHeight - 8))}px`;
  }, [at, desk]);
  useEffect(() => {
    const root = desk.box.getRootNode() as ShadowRoot | Document;
    const before = root.activeElement as HTMLElement | null;
    panel.current?.querySelector<HTMLElement>("input, button:not([disabled])")?.focus();
    const outside = (event: Event) => {
      if (!event.composedPath().includes(panel.current as EventTarget)) onClose();
    };
    document.addEventListener("pointerdown", outside, true);
    return () => {
      document.removeEventListener("pointerdown", outside, true);
      if (before?.isConnected) before.focus();
    };
    // The panel is mounted once for each time it is opened.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return <div ref={panel} className="fe-floating" role={role} aria-label={label}>{children}</div>;
}
