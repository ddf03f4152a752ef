import { CARD } from "../state/arrange";
import { nodesOf } from "../state/doc";
import { diffOf } from "../state/diff";
import type { Desk } from "../desk";
import type { Graph, GraphDiff, GraphNode, HistoryEntry, Point } from "../types";

/** An old version beside the graph of now. */
export interface Compared {
  entry: HistoryEntry;
  graph: Graph;
  diff: GraphDiff;
  ghosts: Record<string, GraphNode>;
}

export function compare(desk: Desk, entry: HistoryEntry, graph: Graph): void {
  const diff = diffOf(graph, desk.editor.doc.graph);
  const gone = (graph.nodes ?? []).filter((node) => diff.nodes[node.id]?.change === "removed");
  desk.compared.set({ entry, graph, diff, ghosts: Object.fromEntries(gone.map((node) => [node.id, node])) });
  desk.canvas.show({ diff, ghosts: ghostPlaces(desk, graph, gone) });
}

export function stopComparing(desk: Desk): void {
  if (!desk.compared.get()) return;
  desk.compared.set(null);
  desk.canvas.show({ diff: null, ghosts: {} });
}

/** Removed steps stand below the neighbour that led to them, or else below everything. */
function ghostPlaces(desk: Desk, graph: Graph, gone: GraphNode[]): Record<string, Point> {
  const places = desk.editor.doc.layout.positions ?? {};
  const here = new Set(nodesOf(desk.editor.doc).map((node) => node.id));
  const bottom = Math.max(0, ...Object.entries(places).filter(([id]) => here.has(id)).map(([, [, y]]) => y));
  const pairs = gone.map((node, index): [string, Point] => {
    const own = places[node.id];
    if (own) return [node.id, own];
    const before = (graph.edges ?? []).find((edge) => edge.target === node.id && places[edge.source])?.source;
    const [x, y] = (before && places[before]) || [index * (CARD.width + 40), bottom];
    return [node.id, [x + 40, y + CARD.height + 40]];
  });
  return Object.fromEntries(pairs);
}
