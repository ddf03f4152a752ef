import type { Schema, UiSchema } from "../../api/types";

export const KINDS = ["text", "long", "integer", "number", "yesno", "choice", "date", "image", "file"] as const;
export type Kind = (typeof KINDS)[number] | "other";

type Json = Record<string, unknown>;

export interface Option {
  value: string;
  title: string;
  titleZh: string;
}

/** One field as a row of the designer. What the designer knows nothing of stays in `rest` and `ui`. */
export interface Field {
  id: number;
  name: string;
  kind: Kind;
  title: string;
  titleZh: string;
  help: string;
  placeholder: string;
  required: boolean;
  options: Option[];
  least: string;
  most: string;
  rest: Json;
  ui: Json;
}

export interface FormParts {
  schema: Schema;
  ui: UiSchema;
}

const NUMBERS: readonly Kind[] = ["integer", "number"];
const TEXTS: readonly Kind[] = ["text", "long"];
let last = 0;

const record = (value: unknown): Json => (value && typeof value === "object" && !Array.isArray(value) ? { ...(value as Json) } : {});
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const amount = (value: unknown): string => (typeof value === "number" ? String(value) : "");
const chinese = (value: Json): Json => record(record(value["x-i18n"])["zh-hans"]);

export function readFields({ schema, ui }: FormParts): Field[] {
  const properties = record(schema.properties);
  const required = Array.isArray(schema.required) ? (schema.required as unknown[]) : [];
  return ordered(Object.keys(properties), record(ui)["ui:order"]).map((name) =>
    readField(name, record(properties[name]), record(record(ui)[name]), required.includes(name)),
  );
}

function ordered(names: string[], order: unknown): string[] {
  const known = Array.isArray(order) ? order.filter((name): name is string => names.includes(String(name))) : [];
  return [...known, ...names.filter((name) => !known.includes(name))];
}

function readField(name: string, rest: Json, ui: Json, required: boolean): Field {
  const kind = kindOf(rest, ui);
  return {
    id: ++last,
    name,
    kind,
    title: text(rest.title),
    titleZh: text(chinese(rest).title),
    help: text(rest.description),
    placeholder: text(ui["ui:placeholder"]),
    required,
    options: Array.isArray(rest.oneOf) ? rest.oneOf.map(readOption) : [],
    least: amount(NUMBERS.includes(kind) ? rest.minimum : rest.minLength),
    most: amount(NUMBERS.includes(kind) ? rest.maximum : rest.maxLength),
    rest,
    ui,
  };
}

function readOption(one: unknown): Option {
  const found = record(one);
  return { value: text(found.const), title: text(found.title), titleZh: text(chinese(found).title) };
}

function kindOf(rest: Json, ui: Json): Kind {
  if (rest.type === "integer" || rest.type === "number") return rest.type;
  if (rest.type === "boolean") return "yesno";
  return rest.type === "string" ? kindOfText(rest, ui) : "other";
}

function kindOfText(rest: Json, ui: Json): Kind {
  if (Array.isArray(rest.oneOf)) return rest.oneOf.every((one) => typeof record(one).const === "string") ? "choice" : "other";
  if (rest.format === "file") return text(rest.contentMediaType).startsWith("image/") ? "image" : "file";
  if (rest.format === "date") return "date";
  if (rest.format || rest.enum) return "other";
  return ui["ui:widget"] === "textarea" ? "long" : "text";
}

/** The form with these fields; everything that the designer knows nothing of is as it was. */
export function writeForm(fields: Field[], { schema, ui }: FormParts): FormParts {
  const named = fields.filter((field) => field.name);
  const gone = new Set(Object.keys(record(schema.properties)));
  const kept = Object.fromEntries(Object.entries(record(ui)).filter(([name]) => name !== "ui:order" && !gone.has(name)));
  const looks = named.map((field) => [field.name, writeUi(field)] as const).filter(([, look]) => Object.keys(look).length > 0);
  return {
    schema: {
      ...schema,
      type: "object",
      additionalProperties: false,
      properties: Object.fromEntries(named.map((field) => [field.name, writeField(field)])),
      required: named.filter((field) => field.required).map((field) => field.name),
    } as Schema,
    ui: { ...kept, "ui:order": named.map((field) => field.name), ...Object.fromEntries(looks) } as UiSchema,
  };
}

const TYPES: Record<Exclude<Kind, "other">, Json> = {
  text: { type: "string" },
  long: { type: "string" },
  integer: { type: "integer" },
  number: { type: "number" },
  yesno: { type: "boolean" },
  choice: { type: "string" },
  date: { type: "string", format: "date" },
  image: { type: "string", format: "file", contentMediaType: "image/*" },
  file: { type: "string", format: "file" },
};
const OWN = ["type", "format", "contentMediaType", "oneOf", "minLength", "maxLength", "minimum", "maximum", "title", "description"];

function writeField(field: Field): Json {
  const own = field.kind === "other" ? ["title", "description"] : OWN;
  const rest = Object.fromEntries(Object.entries(field.rest).filter(([name]) => !own.includes(name) && name !== "x-i18n"));
  const kind = field.kind === "other" ? {} : { ...TYPES[field.kind], ...bounds(field), ...choices(field) };
  return { ...fitting(rest, field), ...kind, ...said(field.title, field.titleZh, record(field.rest["x-i18n"])), ...(field.help && { description: field.help }) };
}

/** A default of another kind would be refused: it goes with its kind. */
function fitting(rest: Json, field: Field): Json {
  const former = kindOf(field.rest, field.ui);
  const stays = former === field.kind && (field.kind !== "choice" || field.options.some((one) => one.value === rest.default));
  if (stays || !("default" in rest)) return rest;
  return Object.fromEntries(Object.entries(rest).filter(([name]) => name !== "default"));
}

function bounds(field: Field): Json {
  const [least, most] = NUMBERS.includes(field.kind) ? ["minimum", "maximum"] : ["minLength", "maxLength"];
  if (!NUMBERS.includes(field.kind) && !TEXTS.includes(field.kind)) return {};
  return { ...(counted(field.least) && { [least as string]: Number(field.least) }), ...(counted(field.most) && { [most as string]: Number(field.most) }) };
}

const counted = (value: string): boolean => value.trim() !== "" && Number.isFinite(Number(value));

function choices(field: Field): Json {
  if (field.kind !== "choice") return {};
  const filled = field.options.filter((one) => one.value);
  return { oneOf: filled.map((one) => ({ const: one.value, ...said(one.title || one.value, one.titleZh, {}) })) };
}

function said(title: string, titleZh: string, others: Json): Json {
  const zh = { ...record(others["zh-hans"]) };
  delete zh.title;
  const told = titleZh ? { ...zh, title: titleZh } : zh;
  const all: Json = { ...others, "zh-hans": told };
  if (Object.keys(told).length === 0) delete all["zh-hans"];
  return { ...(title && { title }), ...(Object.keys(all).length > 0 && { "x-i18n": all }) };
}

function writeUi(field: Field): Json {
  const look = { ...field.ui };
  if (field.kind === "long") look["ui:widget"] = "textarea";
  else if (look["ui:widget"] === "textarea") delete look["ui:widget"];
  if (field.placeholder) look["ui:placeholder"] = field.placeholder;
  else delete look["ui:placeholder"];
  return look;
}

/** A new field with a name that nobody has. */
export function newField(kind: Kind, title: string, fields: Field[]): Field {
  const made = readField("", {}, {}, false);
  const options = kind === "choice" ? [{ value: "a", title: "A", titleZh: "" }, { value: "b", title: "B", titleZh: "" }] : [];
  return { ...made, kind, title, name: freeName(kind, fields), options };
}

export function freeName(wanted: string, fields: Field[]): string {
  const taken = new Set(fields.map((field) => field.name));
  if (!taken.has(wanted)) return wanted;
  let number = 2;
  while (taken.has(`${wanted}_${String(number)}`)) number += 1;
  return `${wanted}_${String(number)}`;
}

export const NAME = /^[a-z][a-z0-9_]{0,39}$/;

/** What is wrong with a field's name; nothing when it will do. */
export function nameProblem(field: Field, fields: Field[]): "name.shape" | "name.twice" | null {
  if (!NAME.test(field.name)) return "name.shape";
  return fields.some((other) => other.id !== field.id && other.name === field.name) ? "name.twice" : null;
}

export function moved(fields: Field[], id: number, by: -1 | 1): Field[] {
  const at = fields.findIndex((field) => field.id === id);
  const to = at + by;
  if (at < 0 || to < 0 || to >= fields.length) return fields;
  const next = [...fields];
  const [one] = next.splice(at, 1);
  if (one) next.splice(to, 0, one);
  return next;
}
