import type { Values } from "../api/types";

const key = (feature: string) => `paiban.draft.${feature}`;

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
