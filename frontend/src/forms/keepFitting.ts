import type { Schema, Values } from "../api/types";
import { problemsOf } from "./validator";

/** What still fits after a form has changed; the rest falls back to the new defaults. */
export function keepFitting(values: Values, schema: Schema): Values {
  const properties = schema.properties ?? {};
  const rest = Object.fromEntries(Object.entries(schema).filter(([key]) => key === "$defs"));
  const fits = (name: string, value: unknown) => {
    const field = properties[name];
    return field !== undefined && problemsOf({ ...rest, ...field } as never, value).length === 0;
  };
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => fits(name, value)));
}
