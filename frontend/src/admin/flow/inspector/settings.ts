import { without } from "../state/doc";
import { equal } from "../state/merge";
import type { JsonObject, NodeType } from "../types";

type Ui = Record<string, unknown>;

export interface Widgets {
  /** By the name that `x-widget` says: what draws a text. */
  text: Record<string, unknown>;
  /** And what draws an object or a list. */
  whole: unknown;
}

/** The schema of a node's settings as a form draws it: what may be left out is simply left out. */
export function drawable(schema: JsonObject): JsonObject {
  return simplified(schema) as JsonObject;
}

/** `null` as an alternative is how a server says "may be missing"; a choice between types would tell nobody that. */
function simplified(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(simplified);
  if (value === null || typeof value !== "object") return value;
  const bag = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, simplified(inner)]));
  const others = Array.isArray(bag.anyOf) ? (bag.anyOf as JsonObject[]).filter((one) => one?.type !== "null") : [];
  if (!Array.isArray(bag.anyOf) || others.length !== 1) return bag;
  const rest = without(bag, "anyOf");
  return { ...others[0], ...(rest.default === null ? without(rest, "default") : rest) };
}

/** The form's own hints, from `x-widget` of each setting down to the items of lists. */
export function uiOf(type: NodeType, widgets: Widgets): Ui {
  const root = type.config.schema;
  return { ...hints(drawable(root), root, widgets, 0), ...type.config.ui };
}

function hints(schema: JsonObject, root: JsonObject, widgets: Widgets, depth: number): Ui {
  const whole = resolved(schema, root);
  const ui: Ui = {};
  if (depth > 6) return ui;
  for (const [name, inner] of Object.entries((whole.properties ?? {}) as Record<string, JsonObject>)) {
    const found = hint(inner, root, widgets, depth);
    if (Object.keys(found).length > 0) ui[name] = found;
  }
  if (isBag(whole.items)) ui.items = hint(whole.items as JsonObject, root, widgets, depth);
  return ui;
}

function hint(schema: JsonObject, root: JsonObject, widgets: Widgets, depth: number): Ui {
  const whole = resolved(schema, root);
  const widget = String(whole["x-widget"] ?? "");
  if (isWhole(whole, widget)) return { "ui:field": widgets.whole };
  if (widget in widgets.text) return { "ui:widget": widgets.text[widget], "ui:options": { kind: widget } };
  return hints(whole, root, widgets, depth + 1);
}

/** An object that says nothing of its members cannot be drawn member by member; nor can a value of any kind. */
function isWhole(schema: JsonObject, widget: string): boolean {
  if (widget === "schema" || widget === "json") return true;
  if (schema.type === "object") return Object.keys((schema.properties as object | undefined) ?? {}).length === 0;
  return schema.type === undefined && schema.enum === undefined && schema.const === undefined && schema.anyOf === undefined && schema.oneOf === undefined;
}

/** What a person gave: without the suggestions of the schema, and without what a form makes of nothing. */
export function given(values: JsonObject, old: JsonObject, schema: JsonObject): JsonObject {
  const properties = (schema.properties ?? {}) as Record<string, JsonObject | undefined>;
  const isNothing = (name: string, value: unknown) =>
    !(name in old) && (value === "" || value === null || equal(value, properties[name]?.default) || (typeof value === "object" && Object.keys(value as object).length === 0));
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => value !== undefined && !isNothing(name, value)));
}

function resolved(schema: JsonObject, root: JsonObject): JsonObject {
  const ref = schema.$ref;
  if (typeof ref !== "string" || !ref.startsWith("#/")) return schema;
  const target = ref.slice(2).split("/").reduce<unknown>((at, key) => (isBag(at) ? (at as JsonObject)[key] : undefined), root);
  return isBag(target) ? { ...(target as JsonObject), ...schema } : schema;
}

const isBag = (value: unknown): boolean => value !== null && typeof value === "object" && !Array.isArray(value);
