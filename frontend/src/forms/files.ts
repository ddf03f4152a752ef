import type { FileInfo } from "../api/types";
import { createStore } from "../ui/store";

/** What is known of files by id: a field's value is only the id. */
export const knownFiles = createStore<Record<string, FileInfo>>({});

export function rememberFiles(files: Record<string, FileInfo>): void {
  knownFiles.set({ ...knownFiles.get(), ...files });
}

/** How many uploads are on their way: a form that runs before they arrive would miss its files. */
export const uploadsUnderWay = createStore(0);

/** A picture just chosen is shown from memory: no round trip, and its link never expires. */
export function previewOf(file: File): string | null {
  return file.type.startsWith("image/") ? URL.createObjectURL(file) : null;
}

/** True when `mime` is within an `accept` list such as `image/*,application/pdf`. */
export function accepts(accept: string, file: File): boolean {
  if (!accept) return true;
  return accept.split(",").some((part) => {
    const wanted = part.trim().toLowerCase();
    if (wanted.startsWith(".")) return file.name.toLowerCase().endsWith(wanted);
    return wanted === "*/*" || file.type === wanted || (wanted.endsWith("/*") && file.type.startsWith(wanted.slice(0, -1)));
  });
}
