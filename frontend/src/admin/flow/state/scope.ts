import type { GraphNode, Json, Schema } from "../types";
import { edgesOf, nodeOf, nodesOf, references, type Doc } from "./doc";
import { fieldsOf, fits, kindNamed, kindsOf, type Field, type Kind } from "./kinds";
import { inputsOf, outputsOf, type Knowledge } from "./registry";

/** Something that an input may refer to. */
export interface Variable {
  path: string;
  node: string;
  title: string;
  kinds: Kind[];
  /** False where some ways to the node do not pass its source. */
  sure: boolean;
}

/** Everything that runs before `id`. */
export function ancestors(doc: Doc, id: string): Set<string> {
  const sources = new Map<string, string[]>();
  for (const edge of edgesOf(doc)) sources.set(edge.target, [...(sources.get(edge.target) ?? []), edge.source]);
  const found = new Set<string>();
  const open = [id];
  while (open.length > 0) {
    for (const source of sources.get(open.pop() ?? "") ?? []) {
      if (found.has(source)) continue;
      found.add(source);
      open.push(source);
    }
  }
  return found;
}

/** What the inputs of `id` may refer to: as the server says, or else what is before it in the picture. */
export function scopeOf(doc: Doc, id: string, known: Knowledge): Variable[] {
  const before = ancestors(doc, id);
  const told = new Map((known.described?.nodes[id]?.scope ?? []).map((one) => [one.path, one]));
  const nodes = nodesOf(doc).filter((node) => before.has(node.id));
  const own = nodes.flatMap((node) => fieldsOf(outputsOf(node, known)).map((field) => variableOf(node, field, told.get(`${node.id}.${field.name}`)?.sure)));
  const seen = new Set(own.map((one) => one.path));
  const others = [...told.values()].filter((one) => !seen.has(one.path) && (before.has(headOf(one.path)) || !nodeOf(doc, headOf(one.path))))
    .map((one) => ({ path: one.path, node: headOf(one.path), title: one.title, kinds: [kindNamed(one.type)], sure: one.sure }));
  const missing = (doc.graph.variables ?? []).filter((one) => !told.has(`vars.${one.name}`))
    .map((one) => ({ path: `vars.${one.name}`, node: "vars", title: one.name, kinds: kindsOf(one.schema), sure: true }));
  return [...own, ...others, ...missing];
}

const variableOf = (node: GraphNode, field: Field, sure = true): Variable =>
  ({ path: `${node.id}.${field.name}`, node: node.id, title: field.title, kinds: field.kinds, sure });

const headOf = (path: string) => path.split(".")[0] ?? "";

export type Refusal =
  | { word: "refuse.self" | "refuse.circle" | "refuse.there" | "refuse.noIn" | "refuse.noOut" | "refuse.mixed" }
  | { word: "refuse.kind"; given: Kind[]; wanted: Kind[] };

/** Why an edge cannot be drawn there; null when it can. An edge is an order of steps, so it has no type of its own. */
export function refusal(doc: Doc, edge: { source: string; target: string; when: string }): Refusal | null {
  const [source, target] = [nodeOf(doc, edge.source), nodeOf(doc, edge.target)];
  if (!source || !target || source.type === "end") return { word: "refuse.noOut" };
  if (target.type === "start") return { word: "refuse.noIn" };
  if (source.id === target.id) return { word: "refuse.self" };
  if (edgesOf(doc).some((other) => other.source === source.id && other.target === target.id && (other.when ?? "") === edge.when)) return { word: "refuse.there" };
  if (ancestors(doc, source.id).has(target.id)) return { word: "refuse.circle" };
  return null;
}

/** Why an output cannot feed an input; null when it can. */
export function bindRefusal(doc: Doc, from: { node: string; field: string }, to: { node: string; field: string }, known: Knowledge): Refusal | null {
  const [source, target] = [nodeOf(doc, from.node), nodeOf(doc, to.node)];
  if (!source || !target) return { word: "refuse.noOut" };
  if (source.id === target.id) return { word: "refuse.self" };
  if (ancestors(doc, source.id).has(target.id)) return { word: "refuse.circle" };
  const given = kindOf(outputsOf(source, known), from.field);
  const wanted = kindOf(inputsOf(target, known), to.field);
  return fits(given, wanted) ? null : { word: "refuse.kind", given, wanted };
}

export const kindOf = (schema: Schema | null, field: string): Kind[] => fieldsOf(schema).find((one) => one.name === field)?.kinds ?? ["any"];

/** Inputs of `target` that a new edge from `source` can fill: each missing one for which exactly one output fits. */
export function fillable(source: GraphNode, target: GraphNode, known: Knowledge): Record<string, Json> {
  const given = fieldsOf(outputsOf(source, known));
  const missing = fieldsOf(inputsOf(target, known)).filter((field) => field.required && target.inputs?.[field.name] === undefined);
  const found: Record<string, Json> = {};
  for (const field of missing) {
    const named = given.find((one) => one.name === field.name && fits(one.kinds, field.kinds));
    const fitting = given.filter((one) => !one.kinds.includes("any") && fits(one.kinds, field.kinds));
    const pick = named ?? (fitting.length === 1 ? fitting[0] : undefined);
    if (pick) found[field.name] = `{{ ${source.id}.${pick.name} }}`;
  }
  return found;
}

/** Each reference of the inputs: which input, of which node, and which output it takes. */
export function bindings(node: GraphNode): { input: string; node: string; field: string }[] {
  return Object.entries(node.inputs ?? {}).flatMap(([input, value]) =>
    references(value).map((path) => ({ input, node: headOf(path), field: path.split(".")[1] ?? "" })));
}
