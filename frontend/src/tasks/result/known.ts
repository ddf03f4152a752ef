import { createContext, useContext } from "react";
import type { FileInfo } from "../../api/types";

/** The files that values may name, by id, with links that work for a while. */
export const KnownFiles = createContext<Record<string, FileInfo>>({});

export interface Stored {
  $file: string;
  preview?: string;
}

/** A value too large for its place, or a file that stands as an object. */
export const isStored = (value: unknown): value is Stored =>
  value !== null && typeof value === "object" && typeof (value as Stored).$file === "string";

/** The file that a value names, if it is one of those at hand. */
export function useNamed(value: unknown): FileInfo | undefined {
  const files = useContext(KnownFiles);
  if (isStored(value)) return files[value.$file];
  return typeof value === "string" ? files[value] : undefined;
}
