import type { Graph, GraphEdge, GraphNode, Layout } from "../types";
import type { Doc } from "./doc";

type Bag = Record<string, unknown>;
const isBag = (value: unknown): value is Bag => value !== null && typeof value === "object" && !Array.isArray(value);

export interface Read {
  doc: Doc;
  /** Whether everything that is written can be drawn. Where not, drawing and saving it would lose something. */
  whole: boolean;
}

/** A draft may be anything. What cannot be drawn is left out, and `whole` says that there was such a thing. */
export function readDoc(graph: unknown, layout: unknown): Read {
  const raw = isBag(graph) ? graph : {};
  const nodes = drawable(raw.nodes, isNode);
  const ids = new Set(nodes.kept.map((node) => node.id));
  const edges = drawable(raw.edges, (edge): edge is GraphEdge => isEdge(edge, ids));
  const whole = isBag(graph) && nodes.whole && edges.whole && ids.size === nodes.kept.length;
  const unique = [...new Map(nodes.kept.map((node) => [node.id, node])).values()];
  const read: Graph = { ...raw, nodes: unique, edges: edges.kept };
  return { doc: { graph: read, layout: readLayout(layout) }, whole };
}

function drawable<T>(value: unknown, fits: (one: unknown) => one is T): { kept: T[]; whole: boolean } {
  if (value === undefined) return { kept: [], whole: true };
  if (!Array.isArray(value)) return { kept: [], whole: false };
  const kept = (value as unknown[]).filter(fits);
  return { kept, whole: kept.length === value.length };
}

const isNode = (value: unknown): value is GraphNode =>
  isBag(value) && typeof value.id === "string" && value.id !== "" && typeof value.type === "string"
  && [value.config, value.inputs, value.policy].every((part) => part === undefined || isBag(part));

const isEdge = (value: unknown, ids: ReadonlySet<string>): boolean =>
  isBag(value) && ids.has(String(value.source)) && ids.has(String(value.target)) && (value.when === undefined || typeof value.when === "string");

function readLayout(value: unknown): Layout {
  if (!isBag(value)) return {};
  const positions = isBag(value.positions) ? value.positions : {};
  const isPoint = (at: unknown) => Array.isArray(at) && at.length === 2 && at.every((n) => typeof n === "number" && Number.isFinite(n));
  const groups = Array.isArray(value.groups) ? (value.groups as unknown[]).filter((one) => isBag(one) && typeof one.id === "string" && Array.isArray(one.nodes)) : [];
  const notes = Array.isArray(value.notes) ? (value.notes as unknown[]).filter((one) => isBag(one) && typeof one.id === "string" && isPoint(one.at)) : [];
  return { positions: Object.fromEntries(Object.entries(positions).filter(([, at]) => isPoint(at))), groups, notes } as Layout;
}
