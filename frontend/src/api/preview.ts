import { createStore } from "../ui/store";

const KEY = "paiban.preview";

/** The token of a preview link, for this tab only: a draft is shown in place of what is published. */
export const preview = createStore<string | null>(stored());

export function keepPreview(token: string | null): void {
  try {
    if (token === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, token);
  } catch {
    // Blocked storage: the preview lasts until the page is loaded anew.
  }
  preview.set(token);
}

/** Back to what is published. */
export function leavePreview(): void {
  if (preview.get() !== null) keepPreview(null);
}

/** `path` of the UI feed, asking for the draft while a preview is on. */
export function withPreview(path: string): string {
  const token = preview.get();
  if (token === null) return path;
  return `${path}${path.includes("?") ? "&" : "?"}preview=${encodeURIComponent(token)}`;
}

function stored(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}
