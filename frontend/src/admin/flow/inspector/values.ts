import type { Kind } from "../state/kinds";
import { fits } from "../state/kinds";
import type { Json } from "../types";

/** What a template field shows for a value. */
export const textOf = (value: Json | undefined): string =>
  value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value, null, typeof value === "object" ? 2 : undefined);

/** What the typed text means where such a value is wanted: a number stays a number, half-typed JSON a text. */
export function valueOf(text: string, wanted: readonly Kind[]): Json | undefined {
  if (text === "") return undefined;
  if (wanted.includes("text")) return text;
  const takes = (...kinds: Kind[]) => fits(kinds, wanted);
  const readers: [RegExp, Kind[]][] = [[/^-?(0|[1-9]\d{0,14})(\.\d*[1-9])?$/, ["number"]], [/^(true|false)$/, ["boolean"]], [/^\s*[[{](?!\{|%)/, ["list", "object"]]];
  const fitting = readers.some(([shape, kinds]) => shape.test(text) && takes(...kinds));
  return fitting ? (parsed(text) ?? text) : text;
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** Whether a variable may be put into a field with this text: alone it keeps its type, among words it becomes words. */
export function mayInsert(given: readonly Kind[], wanted: readonly Kind[], text: string): boolean {
  if (fits(given, wanted)) return true;
  return wanted.includes("text") && text.trim() !== "" && !given.includes("file");
}

/** The text with a reference put in at `at`; an opening `{{` that was just typed is completed. */
export function inserted(text: string, at: number, path: string): { text: string; at: number } {
  const before = text.slice(0, at).replace(/\{\{\s*[\w.]*$/, "");
  const after = text.slice(at).replace(/^\s*\}\}/, "");
  const hole = `{{ ${path} }}`;
  return { text: before + hole + after, at: before.length + hole.length };
}
