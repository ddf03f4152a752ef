import { Validator, type OutputUnit, type Schema as CheckedSchema } from "@cfworker/json-schema";
import {
  createErrorHandler,
  ErrorSchemaBuilder,
  unwrapErrorHandler,
  validationDataMerge,
  type RJSFSchema,
  type RJSFValidationError,
  type ValidatorType,
} from "@rjsf/utils";
import type { Translate } from "../i18n/translate";
import { describe } from "./describe";
import { leafProblems, type Problem } from "./problems";

/**
 * The form library's validator, interpreting schemas instead of compiling them: the page forbids
 * `eval`, which the usual validator needs. The server judges again and its word is final.
 */
export function createValidator(t: Translate): ValidatorType {
  return {
    isValid: (schema, data, root) => check(withDefinitions(schema, root), data, true).length === 0,
    rawValidation: (schema, data) => ({ errors: check(schema, data, false) as never[] }),
    validateFormData: (data, schema, customValidate, transformErrors, uiSchema) => {
      let errors = problemsOf(schema, data).map((problem) => asLibraryError(problem, t));
      if (transformErrors) errors = transformErrors(errors, uiSchema);
      const result = { errors, errorSchema: errorSchemaFrom(errors.map((e) => [e.params?.path as string[], e.message ?? ""])) };
      if (!customValidate) return result;
      const handler = customValidate(data, createErrorHandler(data), uiSchema, result.errorSchema);
      return validationDataMerge(result, unwrapErrorHandler(handler));
    },
  };
}

export function problemsOf(schema: RJSFSchema, data: unknown): Problem[] {
  return leafProblems(schema, data, check(schema, data, false));
}

/** Builds the library's tree of messages from (path, message) pairs. */
export function errorSchemaFrom(entries: [string[], string][]) {
  const builder = new ErrorSchemaBuilder();
  for (const [path, message] of entries) builder.addErrors(message, path);
  return builder.ErrorSchema;
}

function asLibraryError(problem: Problem, t: Translate): RJSFValidationError {
  const message = describe(problem, t);
  return {
    name: problem.keyword,
    message,
    params: { path: problem.path },
    property: `.${problem.path.join(".")}`,
    stack: message,
  };
}

const compiled = new WeakMap<object, Validator>();

function check(schema: RJSFSchema | boolean, data: unknown, firstOnly: boolean): OutputUnit[] {
  if (typeof schema === "boolean") return schema ? [] : [{ keyword: "false" } as OutputUnit];
  // Undefined members do not exist on the wire, and the checker takes them for present ones.
  const plain = data === undefined ? undefined : (JSON.parse(JSON.stringify(data)) as unknown);
  try {
    return validatorFor(schema, firstOnly).validate(plain).errors;
  } catch {
    // A schema that cannot be read here is the server's to judge: never block the person on it.
    return [];
  }
}

function validatorFor(schema: RJSFSchema, firstOnly: boolean): Validator {
  const known = firstOnly ? undefined : compiled.get(schema);
  if (known) return known;
  // The checker writes addresses into the schema it is given, hence the copy.
  const fresh = new Validator(structuredClone(schema) as CheckedSchema, "2020-12", firstOnly);
  if (!firstOnly) compiled.set(schema, fresh);
  return fresh;
}

/** Parts of a schema refer to definitions that only the root holds. */
function withDefinitions(schema: RJSFSchema, root: RJSFSchema | undefined): RJSFSchema {
  if (typeof schema !== "object" || !root?.$defs || schema.$defs) return schema;
  return { ...schema, $defs: root.$defs };
}
