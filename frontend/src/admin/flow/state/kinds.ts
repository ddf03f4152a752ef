import type { JsonObject, Schema } from "../types";

/** What a value is, as far as joining one to another goes. A file is a text to JSON, and something else to people. */
export type Kind = "any" | "text" | "number" | "boolean" | "list" | "object" | "file";

const NAMES: Record<string, Kind> = { string: "text", number: "number", integer: "number", boolean: "boolean", array: "list", object: "object" };

export function kindsOf(schema: Schema | undefined | null): Kind[] {
  if (schema === null || schema === undefined || typeof schema === "boolean") return ["any"];
  if (isFile(schema)) return ["file"];
  const alternatives = schema.anyOf ?? schema.oneOf;
  // Beside a type, they are the choices of a field.
  if (Array.isArray(alternatives) && schema.type === undefined) return unique(alternatives.flatMap((one) => kindsOf(one as Schema)));
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  const known = types.map((type) => NAMES[String(type)]).filter((kind) => kind !== undefined);
  return known.length === 0 ? ["any"] : unique(known);
}

/** A tool names a file by its address in an object; what the run hands on is the file all the same. */
function isFile(schema: JsonObject): boolean {
  if (schema.contentMediaType !== undefined || schema.format === "file") return true;
  const uri = (schema.properties as Record<string, JsonObject> | undefined)?.uri;
  return uri?.contentMediaType !== undefined;
}

/** The kind of a JSON Schema type by name, as `describe` tells it. */
export const kindNamed = (type: string): Kind => NAMES[type] ?? (["file", "image"].includes(type) ? "file" : "any");

/**
 * Whether a value of the one can stand where the other is wanted. Templates make a text of anything but a file's id
 * inside other words; a reference alone keeps its type.
 */
export function fits(given: readonly Kind[], wanted: readonly Kind[]): boolean {
  if (given.includes("any") || wanted.includes("any")) return true;
  return given.some((kind) => wanted.includes(kind));
}

const unique = (kinds: Kind[]): Kind[] => [...new Set(kinds)];

export interface Field {
  name: string;
  title: string;
  kinds: Kind[];
  required: boolean;
  schema: Schema;
}

/** The members of an object's schema; none where it does not say. */
export function fieldsOf(schema: Schema | undefined | null): Field[] {
  if (!schema || typeof schema === "boolean") return [];
  const properties = (schema.properties ?? {}) as Record<string, Schema>;
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(properties).map(([name, inner]) => ({
    name,
    title: typeof inner === "object" && typeof inner.title === "string" ? inner.title : name,
    kinds: kindsOf(inner),
    required: required.includes(name),
    schema: inner,
  }));
}
