import { usedIn } from "./scan";
import type { Variable } from "./types";

/** The declared variables of the field's JSON, or null when it is not a list of objects and only the text can be shown. */
export function parseVariables(text: string): Variable[] | null {
  try {
    const value: unknown = JSON.parse(text || "[]");
    return Array.isArray(value) && value.every(isVariable) ? (value as Variable[]) : null;
  } catch {
    return null;
  }
}

const isVariable = (value: unknown) => value !== null && typeof value === "object" && !Array.isArray(value);

export const writeVariables = (variables: Variable[]) => JSON.stringify(variables, null, 2);

/** `variables` with one member changed; what is empty is left out, so that the JSON stays as short as people write it. */
export function withMember(variables: Variable[], at: number, member: string, value: unknown): Variable[] {
  const kept = value !== undefined && value !== "";
  return variables.map((variable, index) => {
    if (index !== at) return variable;
    const others = Object.entries(variable).filter(([name]) => kept || name !== member);
    return { ...Object.fromEntries(others), ...(kept ? { [member]: value } : {}) } as Variable;
  });
}

export interface Usage {
  /** Used in a text, and not declared. */
  undeclared: string[];
  /** Declared, and used by neither text nor, as far as is known, by what they include. */
  unused: ReadonlySet<string>;
}

/** How the declared variables and the texts fit. `needed` are variables of included prompts. */
export function usageOf(variables: Variable[], texts: string[], needed: ReadonlySet<string>): Usage {
  const used = new Set(texts.flatMap(usedIn));
  const declared = new Set(variables.map((variable) => variable.name));
  const unused = variables.map((variable) => variable.name).filter((name) => !used.has(name) && !needed.has(name));
  return { undeclared: [...used].filter((name) => !declared.has(name)), unused: new Set(unused) };
}

/** What was typed as a value of `type`; what is not of that type stays text, and the server says so. */
export function readValue(text: string, type: string | undefined): unknown {
  return (READERS[type ?? ""] ?? asTyped)(text);
}

const asTyped = (text: string): unknown => text;
const asNumber = (text: string) => (text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text);

const READERS: Record<string, (text: string) => unknown> = {
  boolean: (text) => ({ true: true, false: false })[text] ?? text,
  number: asNumber,
  integer: asNumber,
  array: readJson,
  object: readJson,
  // Without a declared type only what looks like a list or an object is read as one: `007` stays what was typed.
  "": (text) => (/^\s*[[{]/.test(text) ? readJson(text) : text),
};

function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** A value as it is typed in again. */
export function showValue(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The test values that are given: an empty box gives none. */
export function readValues(typed: Record<string, string>, variables: Variable[]): Record<string, unknown> {
  const types = new Map(variables.map((variable) => [variable.name, variable.type]));
  const given = Object.entries(typed).filter(([, text]) => text !== "");
  return Object.fromEntries(given.map(([name, text]) => [name, readValue(text, types.get(name))]));
}
