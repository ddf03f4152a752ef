import type { OutputUnit } from "@cfworker/json-schema";
import type { RJSFSchema } from "@rjsf/utils";
import { segments } from "./pointer";

export interface Problem {
  path: string[];
  keyword: string;
  /** The keyword's own value: the limit that was passed, the pattern that was missed. */
  limit: unknown;
}

/** These only say that something inside them is wrong, which is reported by itself. */
const CONTAINERS = new Set([
  "properties", "items", "prefixItems", "additionalProperties", "unevaluatedProperties", "patternProperties",
  "allOf", "$ref", "if", "then", "else", "dependentSchemas", "contains", "$dynamicRef",
]);
const CHOICES = new Set(["oneOf", "anyOf", "not"]);

/** The errors a person can act on: one for each place and rule, without the branches not taken. */
export function leafProblems(schema: RJSFSchema, data: unknown, units: OutputUnit[]): Problem[] {
  const choices = units.filter((unit) => CHOICES.has(unit.keyword)).map((unit) => `${unit.keywordLocation}/`);
  const problems = units
    .filter((unit) => !CONTAINERS.has(unit.keyword))
    .filter((unit) => !choices.some((choice) => unit.keywordLocation.startsWith(choice)))
    .flatMap((unit) => expand(unit, schema, data));
  return unique(problems);
}

function expand(unit: OutputUnit, schema: RJSFSchema, data: unknown): Problem[] {
  const path = segments(unit.instanceLocation);
  const limit = locate(schema, segments(unit.keywordLocation));
  if (unit.keyword !== "required") return [{ path, keyword: unit.keyword, limit }];
  const present = follow(data, path) as Record<string, unknown> | undefined;
  const missing = (Array.isArray(limit) ? (limit as string[]) : []).filter((name) => present?.[name] === undefined);
  return missing.map((name) => ({ path: [...path, name], keyword: "required", limit: true }));
}

function unique(problems: Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter((problem) => {
    const key = JSON.stringify([problem.path, problem.keyword]);
    return seen.has(key) ? false : seen.add(key);
  });
}

function follow(value: unknown, path: string[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
}

/** As `follow`, going through local references on the way. */
function locate(root: RJSFSchema, path: string[]): unknown {
  return path.reduce<unknown>((inner, key) => {
    const next = (inner as Record<string, unknown> | undefined)?.[key];
    return key === "$ref" && typeof next === "string" ? follow(root, segments(next)) : next;
  }, root);
}
