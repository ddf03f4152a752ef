import { expect, test } from "vitest";
import type { Schema, UiSchema } from "../src/api/types";
import { moved, nameProblem, newField, readFields, writeForm, type Field } from "../src/admin/wizard/fields";

const schema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  additionalProperties: false,
  properties: {
    product: { type: "string", title: "Product", minLength: 3, maxLength: 200, "x-i18n": { "zh-hans": { title: "商品" } } },
    tone: { type: "string", title: "Tone", default: "warm", oneOf: [{ const: "warm", title: "Warm" }, { const: "dry", title: "Dry" }] },
    size: { type: "integer", title: "Size", minimum: 1, maximum: 9, multipleOf: 2 },
    photo: { type: "string", title: "Photo", format: "file", contentMediaType: "image/*" },
    tags: { type: "array", title: "Tags", items: { type: "string" } },
  },
  required: ["product"],
} as unknown as Schema;
const ui = {
  "ui:order": ["tone", "product", "size", "photo", "tags"],
  "ui:submitButtonOptions": { norender: true },
  product: { "ui:widget": "textarea", "ui:placeholder": "A mug", "ui:options": { rows: 5 } },
} as UiSchema;

const only = (fields: Field[], name: string): Field => fields.find((field) => field.name === name) as Field;

test("a form that is read and written is the same form", () => {
  const written = writeForm(readFields({ schema, ui }), { schema, ui });

  expect(written.ui).toEqual(ui);
  const { properties, ...rest } = written.schema as Record<string, unknown>;
  const { properties: before, ...former } = schema as Record<string, unknown>;
  expect(rest).toEqual(former);
  expect(properties).toEqual(before);
});

test("fields are read in their order, with their kinds", () => {
  const kinds = readFields({ schema, ui }).map((field) => [field.name, field.kind, field.required]);

  expect(kinds).toEqual([["tone", "choice", false], ["product", "long", true], ["size", "integer", false], ["photo", "image", false], ["tags", "other", false]]);
});

test("what the designer knows nothing of stays", () => {
  const fields = readFields({ schema, ui }).map((field) => (field.name === "size" ? { ...field, most: "20", title: "Edge" } : field));

  const size = writeForm(fields, { schema, ui }).schema.properties?.size;

  expect(size).toEqual({ type: "integer", title: "Edge", minimum: 1, maximum: 20, multipleOf: 2 });
});

test("another kind takes what belonged to the former with it", () => {
  const fields = readFields({ schema, ui }).map((field) => (field.name === "tone" ? { ...field, kind: "yesno" as const } : field));

  expect(writeForm(fields, { schema, ui }).schema.properties?.tone).toEqual({ type: "boolean", title: "Tone" });
});

test("a field that was renamed keeps its looks, and the former name has none", () => {
  const fields = readFields({ schema, ui }).map((field) => (field.name === "product" ? { ...field, name: "thing" } : field));

  const written = writeForm(fields, { schema, ui });

  expect("product" in written.ui).toEqual(false);
  expect(written.ui.thing).toEqual(ui.product);
  expect(written.schema.required).toEqual(["thing"]);
});

test("a new field gets a free name", () => {
  const fields = readFields({ schema, ui });
  const first = newField("text", "Short text", fields);
  const second = newField("text", "Short text", [...fields, first]);

  expect([first.name, second.name]).toEqual(["text", "text_2"]);
  expect(writeForm([first], { schema, ui }).schema.properties).toEqual({ text: { type: "string", title: "Short text" } });
});

test("names that will not do are told", () => {
  const fields = readFields({ schema, ui });
  const size = only(fields, "size");

  expect(nameProblem(size, fields)).toEqual(null);
  expect(nameProblem({ ...size, name: "Größe" }, fields)).toEqual("name.shape");
  expect(nameProblem({ ...size, name: "tone" }, fields)).toEqual("name.twice");
});

test("fields move, and not past the ends", () => {
  const fields = readFields({ schema, ui });
  const names = (list: Field[]) => list.map((field) => field.name).join(" ");

  expect(names(moved(fields, only(fields, "product").id, -1))).toEqual("product tone size photo tags");
  expect(names(moved(fields, only(fields, "tone").id, -1))).toEqual(names(fields));
  expect(names(moved(fields, only(fields, "tags").id, 1))).toEqual(names(fields));
});
