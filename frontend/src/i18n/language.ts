import { createStore } from "../ui/store";

export const LANGUAGES = ["en", "zh-hans"] as const;
export type Language = (typeof LANGUAGES)[number];

const KEY = "paiban.language";

export const language = createStore<Language>(initialLanguage());

export const currentLanguage = (): Language => language.get();

export function chooseLanguage(next: Language): void {
  localStorage.setItem(KEY, next);
  document.documentElement.lang = next === "zh-hans" ? "zh-Hans" : "en";
  language.set(next);
}

function initialLanguage(): Language {
  const stored = localStorage.getItem(KEY);
  if (stored === "en" || stored === "zh-hans") return stored;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh-hans" : "en";
}
