import type { Graph, GraphEdge, GraphNode, Group, Json, Layout, Note, Point } from "../types";

/** What is edited: the graph, and where its boxes stand. Never changed in place; what a change leaves alone stays the same object. */
export interface Doc {
  graph: Graph;
  layout: Layout;
}

export const nodesOf = (doc: Doc): GraphNode[] => doc.graph.nodes ?? [];
export const edgesOf = (doc: Doc): GraphEdge[] => doc.graph.edges ?? [];
export const nodeOf = (doc: Doc, id: string): GraphNode | undefined => nodesOf(doc).find((node) => node.id === id);
export const edgeId = (edge: GraphEdge): string => `${edge.source}|${edge.when ?? ""}|${edge.target}`;
export const groupsOf = (doc: Doc): Group[] => doc.layout.groups ?? [];
export const notesOf = (doc: Doc): Note[] => doc.layout.notes ?? [];
export const groupWith = (doc: Doc, id: string): Group | undefined => groupsOf(doc).find((group) => group.nodes.includes(id));

const RESERVED = new Set(["vars", "run", "item", "error"]);
export const ID = /^[a-z][a-z0-9_]{0,39}$/;
export const isGoodId = (id: string): boolean => ID.test(id) && !RESERVED.has(id);

export const withGraph = (doc: Doc, graph: Partial<Graph>): Doc => ({ ...doc, graph: { ...doc.graph, ...graph } });
export const withLayout = (doc: Doc, layout: Partial<Layout>): Doc => ({ ...doc, layout: { ...doc.layout, ...layout } });

/** The object without one of its members. */
export function without<T extends object>(value: T | undefined, name: string): T {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([key]) => key !== name)) as T;
}

/** `base`, or `base_2` and so on where that is taken or reserved. Always an id the server takes. */
export function freeId(taken: ReadonlySet<string>, base: string): string {
  const cleaned = base.toLowerCase().replace(/[^a-z0-9_]+/g, "_").replace(/^[^a-z]+/, "").slice(0, 36);
  const stem = isGoodId(cleaned) ? cleaned : "step";
  for (let n = 1; ; n += 1) {
    const id = n === 1 ? stem : `${stem.replace(/_\d+$/, "")}_${n}`;
    if (!taken.has(id)) return id;
  }
}

export const idsOf = (doc: Doc): Set<string> => new Set(nodesOf(doc).map((node) => node.id));

export function addNode(doc: Doc, node: GraphNode, at: Point): Doc {
  const next = withGraph(doc, { nodes: [...nodesOf(doc), node] });
  return moveNodes(next, { [node.id]: at });
}

export function removeNodes(doc: Doc, ids: ReadonlySet<string>): Doc {
  const positions = Object.fromEntries(Object.entries(doc.layout.positions ?? {}).filter(([id]) => !ids.has(id)));
  const groups = groupsOf(doc)
    .map((group) => ({ ...group, nodes: group.nodes.filter((id) => !ids.has(id)) }))
    .filter((group) => group.nodes.length > 0);
  return {
    graph: {
      ...doc.graph,
      nodes: nodesOf(doc).filter((node) => !ids.has(node.id)),
      edges: edgesOf(doc).filter((edge) => !ids.has(edge.source) && !ids.has(edge.target)),
    },
    layout: { ...doc.layout, positions, ...(doc.layout.groups ? { groups } : {}) },
  };
}

/** Members given as `undefined` are taken out. */
export function setNode(doc: Doc, id: string, patch: Partial<GraphNode>): Doc {
  const change = (node: GraphNode): GraphNode =>
    Object.fromEntries(Object.entries({ ...node, ...patch }).filter(([, value]) => value !== undefined)) as unknown as GraphNode;
  return withGraph(doc, { nodes: nodesOf(doc).map((node) => (node.id === id ? change(node) : node)) });
}

export function connect(doc: Doc, edge: GraphEdge): Doc {
  const { when, ...bare } = edge;
  const written = when ? { ...bare, when } : bare;
  if (edgesOf(doc).some((other) => edgeId(other) === edgeId(written))) return doc;
  return withGraph(doc, { edges: [...edgesOf(doc), written] });
}

export const removeEdges = (doc: Doc, ids: ReadonlySet<string>): Doc =>
  withGraph(doc, { edges: edgesOf(doc).filter((edge) => !ids.has(edgeId(edge))) });

export function moveNodes(doc: Doc, moved: Record<string, Point>): Doc {
  const rounded = Object.fromEntries(Object.entries(moved).map(([id, [x, y]]) => [id, [Math.round(x), Math.round(y)] as Point]));
  return withLayout(doc, { positions: { ...doc.layout.positions, ...rounded } });
}

/** The node under another id, and everything that spoke of it: edges, groups, and references in the other nodes. */
export function renameNode(doc: Doc, from: string, to: string): Doc {
  const map = new Map([[from, to]]);
  const named = (id: string) => map.get(id) ?? id;
  const nodes = nodesOf(doc).map((node) => {
    const told = retold(node, map);
    return node.id === from ? { ...told, id: to } : told;
  });
  const edges = edgesOf(doc).map((edge) =>
    edge.source === from || edge.target === from ? { ...edge, source: named(edge.source), target: named(edge.target) } : edge);
  const positions = Object.fromEntries(Object.entries(doc.layout.positions ?? {}).map(([id, at]) => [named(id), at]));
  const groups = groupsOf(doc).map((group) => ({ ...group, nodes: group.nodes.map(named) }));
  return {
    graph: { ...doc.graph, nodes, edges },
    layout: { ...doc.layout, positions, ...(doc.layout.groups ? { groups } : {}) },
  };
}

/** The node with its references following `ids`; the same object where it refers to none of them. */
export function retold(node: GraphNode, ids: ReadonlyMap<string, string>): GraphNode {
  const inputs = rewritten(node.inputs, ids);
  const config = rewritten(node.config, ids);
  if (inputs === node.inputs && config === node.config) return node;
  return { ...node, ...(inputs ? { inputs: inputs as GraphNode["inputs"] } : {}), ...(config ? { config: config as GraphNode["config"] } : {}) };
}

const HOLES = /\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}/g;

function rewritten(value: Json | undefined, ids: ReadonlyMap<string, string>): Json | undefined {
  if (typeof value === "string") return rewrittenText(value, ids);
  if (value === null || typeof value !== "object") return value;
  const pairs = Object.entries(value).map(([key, inner]) => [key, rewritten(inner, ids) as Json] as const);
  if (pairs.every(([key, inner]) => (value as Record<string, Json>)[key] === inner)) return value;
  return Array.isArray(value) ? pairs.map(([, inner]) => inner) : Object.fromEntries(pairs);
}

/** Only names at the head of a path inside `{{ }}` and `{% %}` are references; quoted text there is not. */
function rewrittenText(text: string, ids: ReadonlyMap<string, string>): string {
  return text.replace(HOLES, (hole) =>
    hole.replace(/"[^"]*"|'[^']*'|(?<![\w.])([a-z][a-z0-9_]*)(?=\s*[.[])/g, (whole, name?: string) => (name && ids.get(name)) ?? whole));
}

/** The `node.path` of every reference in a template, in the order of their first appearance. */
export function references(value: Json | undefined): string[] {
  const found: string[] = [];
  collect(value, found);
  return [...new Set(found)];
}

function collect(value: Json | undefined, found: string[]): void {
  if (typeof value === "string") {
    for (const hole of value.match(HOLES) ?? []) {
      for (const match of hole.matchAll(/"[^"]*"|'[^']*'|(?<![\w.])([a-z][a-z0-9_]*(?:\.[A-Za-z_][\w]*)+)/g)) if (match[1]) found.push(match[1]);
    }
  } else if (value !== null && typeof value === "object") for (const inner of Object.values(value)) collect(inner, found);
}
