import type { Schema, UiSchema } from "../api/types";

/**
 * A form whose `ui:order` forgets a field, draws nothing at all. Fields that nobody placed come last instead,
 * and names that are no field any more are left out; at every depth.
 */
export function completeOrder(ui: UiSchema, schema: Schema): UiSchema {
  const fields = schema.properties ?? {};
  const inner = Object.entries(ui).map(([name, part]) => {
    const field = fields[name];
    return [name, field?.properties && isBag(part) ? completeOrder(part, field) : part];
  });
  const order: unknown = ui["ui:order"];
  const placed = Array.isArray(order) ? { "ui:order": complete(order, Object.keys(fields)) } : {};
  return { ...Object.fromEntries(inner), ...placed };
}

function complete(order: unknown[], fields: string[]): string[] {
  const known = order.filter((name): name is string => name === "*" || fields.includes(name as string));
  return [...new Set([...known, "*"])];
}

const isBag = (value: unknown): value is UiSchema => value !== null && typeof value === "object" && !Array.isArray(value);
