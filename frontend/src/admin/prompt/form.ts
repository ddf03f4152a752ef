import type { EditorSource } from "./types";

export type FieldName = "system" | "body" | "variables";

const areaOf = (name: FieldName) => document.querySelector<HTMLTextAreaElement>(`textarea[name="${name}"]`);

/** What the fields hold, or what the page was given where its reader has none. */
export function readField(name: FieldName, source: EditorSource): string {
  const area = areaOf(name);
  if (area) return area.value;
  const value = source.values[name] ?? (name === "variables" ? [] : "");
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** The textareas stay the form's fields: what is written here is what is saved. */
export function writeField(name: FieldName, text: string): void {
  const area = areaOf(name);
  if (!area || area.value === text) return;
  area.value = text;
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

/**
 * Hides the plain fields and puts `host` where the first of them stood. Only called when the editor is there to take
 * over: without its code, and without JavaScript, the page is the form that it always was.
 */
export function takeOver(host: HTMLElement): void {
  const plain = document.querySelectorAll<HTMLElement>("fieldset.pe-plain");
  plain[0]?.before(host);
  for (const section of plain) section.hidden = true;
  host.hidden = false;
}

export interface Guard {
  /** Whether anything differs from what is saved. */
  isDirty: () => boolean;
  /** Loads the page anew without asking. */
  reload: () => void;
}

/** Asks before the page is left with changes that were not saved. */
export function guardChanges(host: HTMLElement, source: EditorSource): Guard {
  const form = host.closest("form");
  if (!form || source.readOnly) return { isDirty: () => false, reload: () => window.location.reload() };
  const written = () => JSON.stringify([...new FormData(form)].filter(([, value]) => typeof value === "string"));
  // What came back with an error was never saved, however untouched it looks.
  const saved = Object.keys(source.errors).length > 0 ? "" : written();
  const isDirty = () => written() !== saved;
  const ask = (event: BeforeUnloadEvent) => {
    if (isDirty()) event.preventDefault();
  };
  const release = () => window.removeEventListener("beforeunload", ask);
  window.addEventListener("beforeunload", ask);
  form.addEventListener("submit", release);
  const reload = () => {
    release();
    window.location.reload();
  };
  return { isDirty, reload };
}
