import type { ButtonHTMLAttributes, ReactNode } from "react";

/** The marks of a drawing board, which the rest of the front end has no use for; drawn like `ui/icons`. */
const SHAPES = {
  undo: <path d="M8.5 6 4.5 10l4 4M5 10h9a5 5 0 0 1 0 10h-3" />,
  redo: <path d="m15.5 6 4 4-4 4M19 10h-9a5 5 0 0 0 0 10h3" />,
  order: <><rect x="3.5" y="9.5" width="5" height="5" rx="1.2" /><rect x="15.500" y="3.500" width="5" height="5" rx="1.2" /><rect x="15.500" y="15.500" width="5" height="5" rx="1.2" /><path d="M8.5 12H12m3.500-6H14a2 2 0 0 0-2 2v8a2 2 0 0 0 2 2h1.500" /></>,
  note: <><path d="M5.500 4h13A1.500 1.500 0 0 1 20 5.500V14l-6 6H5.500A1.500 1.500 0 0 1 4 18.500v-13A1.500 1.500 0 0 1 5.500 4Z" /><path d="M20 14h-4.500a1.500 1.500 0 0 0-1.500 1.500V20" /></>,
  fit: <><path d="M4 8.500V5.500A1.500 1.500 0 0 1 5.500 4h3M15.500 4h3A1.500 1.500 0 0 1 20 5.500v3M20 15.500v3a1.500 1.500 0 0 1-1.500 1.500h-3M8.500 20h-3A1.500 1.500 0 0 1 4 18.500v-3" /><rect x="8.500" y="9.500" width="7" height="5" rx="1.2" /></>,
  values: <><circle cx="5.500" cy="7" r="2" /><circle cx="18.500" cy="17" r="2" /><path d="M7.500 7h3a2 2 0 0 1 2 2v6a2 2 0 0 0 2 2h2" /></>,
  keys: <><rect x="3" y="6.500" width="18" height="11" rx="2" /><path d="M7 10.500v.1M10.500 10.500v.1M14 10.500v.1M17 10.500v.1M8 14h8" /></>,
  expand: <path d="M14 4h6v6M20 4l-6.500 6.500M10 20H4v-6M4 20l6.500-6.500" />,
  shrink: <path d="M20 10h-6V4M14 10l6.500-6.500M4 14h6v6M10 14l-6.500 6.500" />,
} satisfies Record<string, ReactNode>;

export type GlyphName = keyof typeof SHAPES;

export function GlyphButton({ glyph, label, ...rest }: ButtonHTMLAttributes<HTMLButtonElement> & { glyph: GlyphName; label: string }) {
  return (
    <button type="button" {...rest} className="icon-button" aria-label={label} title={label}>
      <svg className="icon" width="19" height="19" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">{SHAPES[glyph]}</svg>
    </button>
  );
}
