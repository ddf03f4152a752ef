import { createStore } from "../ui/store";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** Also read by `boot.ts`, which paints the choice before this code loads. */
const KEY = "paiban.theme";

export const theme = createStore<Theme>(initialTheme());

export function chooseTheme(next: Theme): void {
  localStorage.setItem(KEY, next);
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  theme.set(next);
}

function initialTheme(): Theme {
  const stored = localStorage.getItem(KEY);
  return stored === "light" || stored === "dark" ? stored : "auto";
}
