import type { Values } from "../api/types";

const PREFIX = "paiban.draft.";
const key = (feature: string) => PREFIX + feature;

/** What was typed survives signing in and a reload, in this tab only: it is nobody else's. */
export function readDraft(feature: string): Values {
  try {
    return JSON.parse(sessionStorage.getItem(key(feature)) ?? "{}") as Values;
  } catch {
    return {};
  }
}

export function saveDraft(feature: string, values: Values): void {
  try {
    sessionStorage.setItem(key(feature), JSON.stringify(values));
  } catch {
    // A full or blocked storage costs the draft, not the form.
  }
}

/** On signing out: the next person at this screen must not find what was typed. */
export function forgetDrafts(): void {
  const ours = Object.keys(sessionStorage).filter((name) => name.startsWith(PREFIX));
  for (const name of ours) sessionStorage.removeItem(name);
}
