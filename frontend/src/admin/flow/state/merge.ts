import type { Graph, GraphEdge, GraphNode, Json, Layout } from "../types";
import { edgeId, without, type Doc } from "./doc";

/** One thing that both changed, each in another way. `path` is `nodes.copy.config.model` and the like. */
export interface Conflict {
  path: string;
  node: string;
  base: Json | undefined;
  mine: Json | undefined;
  theirs: Json | undefined;
}

export interface Merged {
  doc: Doc;
  conflicts: Conflict[];
}

export type Choice = "mine" | "theirs";

type Bag = Record<string, Json | undefined>;
type Decide = (conflict: Conflict) => Choice;

/**
 * Three documents made one: what one side alone changed stands. Where both changed the same value, `chosen` decides
 * (by path; mine where it says nothing) and the conflict is listed.
 */
export function merge(base: Doc, mine: Doc, theirs: Doc, chosen: Record<string, Choice> = {}): Merged {
  const conflicts: Conflict[] = [];
  const decide: Decide = (conflict) => {
    conflicts.push(conflict);
    return chosen[conflict.path] ?? "mine";
  };
  const graphs = [base.graph, mine.graph, theirs.graph] as const;
  const nodes = mergeNodes(graphs, decide);
  const ids = new Set(nodes.map((node) => node.id));
  const rest = mergeBags("graph", "", bare(base.graph), bare(mine.graph), bare(theirs.graph), decide, 1) as Partial<Graph>;
  const graph: Graph = { ...rest, nodes, edges: mergeEdges(graphs).filter((edge) => ids.has(edge.source) && ids.has(edge.target)) };
  return { doc: { graph, layout: mergeLayouts(base.layout, mine.layout, theirs.layout) }, conflicts };
}

const bare = (graph: Graph) => without(without(graph, "nodes"), "edges") as unknown as Bag;
const byId = (graph: Graph) => new Map((graph.nodes ?? []).map((node) => [node.id, node]));

function mergeNodes(graphs: readonly [Graph, Graph, Graph], decide: Decide): GraphNode[] {
  const [base, mine, theirs] = graphs.map(byId) as [Map<string, GraphNode>, Map<string, GraphNode>, Map<string, GraphNode>];
  const order = [...new Set([...theirs.keys(), ...mine.keys()])];
  const merged = order.map((id) => mergeValue(`nodes.${id}`, id, asJson(base.get(id)), asJson(mine.get(id)), asJson(theirs.get(id)), decide, 2));
  return merged.filter((node) => node !== undefined) as unknown as GraphNode[];
}

const asJson = (value: unknown) => value as Json | undefined;

function mergeValue(path: string, node: string, base: Json | undefined, mine: Json | undefined, theirs: Json | undefined, decide: Decide, depth: number): Json | undefined {
  if (equal(mine, theirs) || equal(base, theirs)) return mine;
  if (equal(base, mine)) return theirs;
  const bags = [mine, theirs].every(isBag) && (base === undefined || isBag(base));
  // Settings are merged one by one; below them a value is one whole, as half a schema of each would be neither's.
  if (bags && depth > 0) return mergeBags(path, node, (base ?? {}) as Bag, mine as Bag, theirs as Bag, decide, depth - 1) as Json;
  return decide({ path, node, base, mine, theirs }) === "mine" ? mine : theirs;
}

function mergeBags(path: string, node: string, base: Bag, mine: Bag, theirs: Bag, decide: Decide, depth: number): Bag {
  const names = [...new Set([...Object.keys(theirs), ...Object.keys(mine)])];
  const pairs = names.map((name) => [name, mergeValue(`${path}.${name}`, node, base[name], mine[name], theirs[name], decide, depth)] as const);
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}

/** An edge is there or not, so nothing about edges can conflict. */
function mergeEdges([base, mine, theirs]: readonly [Graph, Graph, Graph]): GraphEdge[] {
  const was = new Set((base.edges ?? []).map(edgeId));
  const here = new Map((mine.edges ?? []).map((edge) => [edgeId(edge), edge]));
  const there = new Map((theirs.edges ?? []).map((edge) => [edgeId(edge), edge]));
  const all = new Map([...there, ...here]);
  return [...all].filter(([id]) => (was.has(id) ? here.has(id) && there.has(id) : true)).map(([, edge]) => edge);
}

/** Places are nobody's property: mine where I moved something, theirs otherwise. */
function mergeLayouts(base: Layout, mine: Layout, theirs: Layout): Layout {
  const positions = mergeBags("", "", bag(base.positions), bag(mine.positions), bag(theirs.positions), () => "mine", 0);
  const lists = <T extends { id: string }>(pick: (layout: Layout) => T[] | undefined): T[] => {
    const rows = [base, mine, theirs].map((layout) => Object.fromEntries((pick(layout) ?? []).map((row) => [row.id, row]))) as unknown as [Bag, Bag, Bag];
    return Object.values(mergeBags("", "", ...rows, () => "mine", 0)) as unknown as T[];
  };
  return { positions: positions as Layout["positions"], groups: lists((layout) => layout.groups), notes: lists((layout) => layout.notes) };
}

const bag = (value: unknown) => (value ?? {}) as Bag;
const isBag = (value: unknown): boolean => value !== null && typeof value === "object" && !Array.isArray(value);

/** Whether two values say the same; the order of an object's members says nothing. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isBag(a) || !isBag(b)) return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((one, index) => equal(one, b[index]));
  const [left, right] = [a as Bag, b as Bag];
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => name in right && equal(left[name], right[name]));
}
