import type { Schema, Values } from "../api/types";
import { knownFiles } from "./files";
import { problemsOf } from "./validator";
import { isFileField } from "./values";

/** What still fits after a form has changed; the rest falls back to the new defaults. */
export function keepFitting(values: Values, schema: Schema): Values {
  const kept = Object.entries(values).filter(([name, value]) => fits(value, schema.properties?.[name], schema));
  return Object.fromEntries(kept);
}

function fits(value: unknown, field: Schema | undefined, root: Schema): boolean {
  if (!field || isLostFile(value, field)) return false;
  return problemsOf({ $defs: root.$defs, ...field } as never, value).length === 0;
}

/** After a reload a draft still names its upload, but nothing is left to show or vouch for it. */
function isLostFile(value: unknown, field: Schema): boolean {
  const known = knownFiles.get();
  if (isFileField(field)) return !(String(value) in known);
  return isFileField(field.items) && Array.isArray(value) && value.some((id) => !(String(id) in known));
}
