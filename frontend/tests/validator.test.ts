import { expect, test } from "vitest";
import { rememberFiles } from "../src/forms/files";
import { keepFitting } from "../src/forms/keepFitting";
import { createValidator, problemsOf } from "../src/forms/validator";
import { translate } from "../src/i18n/translate";

const schema = {
  type: "object",
  required: ["photo", "size"],
  properties: {
    photo: { type: "string", format: "file", contentMediaType: "image/*" },
    size: { type: "integer", maximum: 10, oneOf: [{ const: 5, title: "Five" }, { const: 20, title: "Twenty" }] },
    colour: { type: "string", format: "color", pattern: "^#[0-9a-fA-F]{6}$" },
    box: { $ref: "#/$defs/box" },
  },
  $defs: { box: { type: "object", required: ["width"], properties: { width: { type: "number", minimum: 1 } } } },
} as const;

const found = (data: unknown) => problemsOf(schema as never, data).map((problem) => [problem.path.join("/"), problem.keyword]);

test("accepts what fits", () => {
  expect(found({ photo: "id", size: 5, colour: "#AABBCC", box: { width: 2 } })).toEqual([]);
});

test("names each missing field at its own place, through references too", () => {
  expect(found({ box: {} })).toEqual(expect.arrayContaining([["photo", "required"], ["size", "required"], ["box/width", "required"]]));
  expect(found({ box: {} })).toHaveLength(3);
});

test("a wrong choice is one problem, not one for each option", () => {
  expect(found({ photo: "id", size: 7 })).toEqual([["size", "oneOf"]]);
});

test("limits and patterns are reported once, with their value", () => {
  const problems = problemsOf(schema as never, { photo: "id", size: 20, colour: "red", box: { width: 0 } });
  expect(problems).toEqual(expect.arrayContaining([
    { path: ["size"], keyword: "maximum", limit: 10 },
    { path: ["box", "width"], keyword: "minimum", limit: 1 },
  ]));
  expect(problems.map((problem) => problem.keyword).sort()).toEqual(["maximum", "minimum", "pattern"]);
});

test("speaks the reader's language", () => {
  const validator = createValidator((key, params) => translate(key, params, "zh-hans"));
  const result = validator.validateFormData({ photo: "id" }, schema as never);
  expect(result.errorSchema).toEqual({ size: { __errors: ["运行前请填写此项。"] } });
});

test("parts of a schema find the root's definitions", () => {
  const validator = createValidator(translate);
  expect(validator.isValid({ $ref: "#/$defs/box" }, { width: 1 }, schema as never)).toBe(true);
  expect(validator.isValid({ $ref: "#/$defs/box" }, {}, schema as never)).toBe(false);
});

test("works where eval is forbidden, and leaves the schema alone", () => {
  const before = JSON.stringify(schema);
  const original = globalThis.Function;
  globalThis.Function = (() => { throw new Error("forbidden"); }) as never;
  try {
    expect(found({ photo: "id", size: 5 })).toEqual([]);
  } finally {
    globalThis.Function = original;
  }
  expect(JSON.stringify(schema)).toBe(before);
});

test("keeps what still fits a changed form", () => {
  rememberFiles({ known: { url: "u", mime: "image/png", width: 1, height: 1, size: 1, name: "n" } });
  const kept = keepFitting({ photo: "known", size: 7, colour: "#000000", gone: 1 }, schema as never);
  expect(kept).toEqual({ photo: "known", colour: "#000000" });
  expect(keepFitting({ photo: "forgotten" }, schema as never)).toEqual({});
});
