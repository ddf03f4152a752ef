import type { GraphEdge, GraphNode, Point } from "../types";
import { addNode, connect, edgesOf, freeId, idsOf, nodesOf, retold, type Doc } from "./doc";

/** What was copied: nodes, the edges among them, and where they stood. */
export interface Clip {
  paiban: "flow";
  nodes: GraphNode[];
  edges: GraphEdge[];
  positions: Record<string, Point>;
}

export function copyOf(doc: Doc, ids: ReadonlySet<string>, single: (type: string) => boolean): Clip {
  const nodes = nodesOf(doc).filter((node) => ids.has(node.id) && !single(node.type));
  const kept = new Set(nodes.map((node) => node.id));
  const edges = edgesOf(doc).filter((edge) => kept.has(edge.source) && kept.has(edge.target));
  const places = doc.layout.positions ?? {};
  const positions = Object.fromEntries(nodes.map((node) => [node.id, places[node.id] ?? [0, 0]])) as Record<string, Point>;
  return { paiban: "flow", nodes, edges, positions };
}

/** What a text holds when it was copied here or on another pipeline's page. */
export function readClip(text: string): Clip | null {
  try {
    const clip = JSON.parse(text) as Clip;
    const fits = clip?.paiban === "flow" && Array.isArray(clip.nodes) && Array.isArray(clip.edges)
      && clip.nodes.every((node) => typeof node?.id === "string" && typeof node.type === "string");
    return fits ? { ...clip, positions: clip.positions ?? {} } : null;
  } catch {
    return null;
  }
}

/**
 * The document with the copies in it, under ids that are free. References among them follow; references to nodes that
 * were not copied stay, as the same names may well be meant.
 */
export function paste(doc: Doc, clip: Clip, shift: Point): { doc: Doc; ids: string[] } {
  const taken = idsOf(doc);
  const ids = new Map<string, string>();
  for (const node of clip.nodes) {
    const id = freeId(taken, node.id);
    taken.add(id);
    ids.set(node.id, id);
  }
  let next = doc;
  for (const node of clip.nodes) {
    const [x, y] = clip.positions[node.id] ?? [0, 0];
    next = addNode(next, { ...retold(node, ids), id: ids.get(node.id) ?? node.id }, [x + shift[0], y + shift[1]]);
  }
  for (const edge of clip.edges) {
    const source = ids.get(edge.source);
    const target = ids.get(edge.target);
    if (source && target) next = connect(next, { ...edge, source, target });
  }
  return { doc: next, ids: [...ids.values()] };
}
