import type { MessageKey } from "../i18n/messages";
import type { Translate } from "../i18n/translate";
import type { Problem } from "./problems";

const TEXTS: Record<string, MessageKey> = {
  required: "field.required",
  minimum: "field.minimum",
  exclusiveMinimum: "field.above",
  maximum: "field.maximum",
  exclusiveMaximum: "field.below",
  multipleOf: "field.multipleOf",
  minLength: "field.minLength",
  maxLength: "field.maxLength",
  pattern: "field.pattern",
  format: "field.format",
  enum: "field.choice",
  const: "field.choice",
  oneOf: "field.choice",
  anyOf: "field.choice",
  minItems: "field.minItems",
  maxItems: "field.maxItems",
  uniqueItems: "field.uniqueItems",
};

/** A sentence about a failed rule, in the reader's language. */
export function describe(problem: Problem, t: Translate): string {
  if (problem.keyword === "type") return t(problem.limit === "number" || problem.limit === "integer" ? "field.number" : "field.type");
  // One character missing from an empty box is "required" to a person.
  if (problem.keyword === "minLength" && problem.limit === 1) return t("field.required");
  return t(TEXTS[problem.keyword] ?? "field.invalid", { limit: String(problem.limit) });
}
