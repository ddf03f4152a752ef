import type { FieldProblem } from "../api/errors";
import type { FormSpec, Schema } from "../api/types";
import { segments } from "./pointer";

/** The server's field errors as (path, message), for the form to show where they belong. */
export function fieldEntries(problems: FieldProblem[]): [string[], string][] {
  return problems.map((problem) => [segments(problem.pointer), problem.message]);
}

export const isFileField = (schema: Schema | undefined): boolean =>
  schema?.format === "file" || (schema?.format === undefined && schema?.contentMediaType?.startsWith("image/") === true);

/** Field names in the order the operator chose; `*` stands for all the others. */
export function orderedNames({ schema, uiSchema }: FormSpec): string[] {
  const names = Object.keys(schema.properties ?? {});
  const order = uiSchema["ui:order"];
  if (!Array.isArray(order)) return names;
  const listed = order.filter((name): name is string => names.includes(name as string));
  const others = names.filter((name) => !listed.includes(name));
  const star = order.indexOf("*");
  if (star < 0) return [...listed, ...others];
  const before = listed.filter((name) => order.indexOf(name) < star);
  return [...before, ...others, ...listed.filter((name) => order.indexOf(name) > star)];
}

/** The title of an enum's value, or the value itself. */
export function choiceTitle(schema: Schema | undefined, value: unknown): string {
  const option = schema?.oneOf?.find((candidate) => candidate.const === value);
  return option?.title ?? String(value);
}

export function widgetOf(uiSchema: UiField | undefined): string | undefined {
  return uiSchema?.["ui:widget"] ?? uiSchema?.["ui:options"]?.widget;
}

export interface UiField {
  "ui:widget"?: string;
  "ui:options"?: { widget?: string; before?: string; swatches?: string[] };
}
