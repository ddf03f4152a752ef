import { kindsOf } from "../state/kinds";
import type { JsonObject } from "../types";
import { TestFile } from "./TestFile";

/** Files are kept with the editor's own token; the storefront's widget would ask for a visitor. */
export function filesIn(schema: JsonObject): Record<string, object> {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonObject>);
  return Object.fromEntries(properties.filter(([, one]) => kindsOf(one).includes("file") || kindsOf(one.items as JsonObject).includes("file")).map(([name]) => [name, { "ui:widget": TestFile }]));
}
