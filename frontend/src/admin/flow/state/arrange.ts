import { Graph as Plan, layout } from "@dagrejs/dagre";
import type { Point } from "../types";
import { edgesOf, moveNodes, nodesOf, type Doc } from "./doc";

export interface Size {
  width: number;
  height: number;
}

export const CARD: Size = { width: 224, height: 64 };
const GAP = { nodesep: 36, ranksep: 84, marginx: 0, marginy: 0 };

/** Places for all nodes, or for `only` them: from left to right, in the order of the run. */
export function arranged(doc: Doc, sizeOf: (id: string) => Size = () => CARD, only?: ReadonlySet<string>): Record<string, Point> {
  const plan = new Plan();
  plan.setGraph({ rankdir: "LR", ranker: "network-simplex", ...GAP });
  plan.setDefaultEdgeLabel(() => ({}));
  const nodes = nodesOf(doc).filter((node) => !only || only.has(node.id));
  const ids = new Set(nodes.map((node) => node.id));
  for (const { id } of nodes) plan.setNode(id, { ...sizeOf(id) });
  for (const edge of edgesOf(doc)) if (ids.has(edge.source) && ids.has(edge.target) && edge.source !== edge.target) plan.setEdge(edge.source, edge.target);
  layout(plan);
  const corner = only ? topLeft(doc, ids) : ([0, 0] as Point);
  return Object.fromEntries(nodes.map(({ id }) => {
    const { x, y } = plan.node(id) as { x: number; y: number };
    const size = sizeOf(id);
    return [id, [Math.round(x - size.width / 2) + corner[0], Math.round(y - size.height / 2) + corner[1]] as Point];
  }));
}

/** Where a part of the picture stood keeps its corner. */
function topLeft(doc: Doc, ids: ReadonlySet<string>): Point {
  const places = Object.entries(doc.layout.positions ?? {}).filter(([id]) => ids.has(id)).map(([, at]) => at);
  return places.length === 0 ? [0, 0] : [Math.min(...places.map(([x]) => x)), Math.min(...places.map(([, y]) => y))];
}

/** The document with a place for every node: what has one keeps it. */
export function placed(doc: Doc): Doc {
  const known = doc.layout.positions ?? {};
  const missing = nodesOf(doc).filter((node) => !known[node.id]);
  if (missing.length === 0) return doc;
  if (missing.length === nodesOf(doc).length) return moveNodes(doc, arranged(doc));
  let next = doc;
  for (const { id } of missing) next = moveNodes(next, { [id]: besideBefore(next, id) });
  return next;
}

function besideBefore(doc: Doc, id: string): Point {
  const places = doc.layout.positions ?? {};
  const before = edgesOf(doc).filter((edge) => edge.target === id).map((edge) => places[edge.source]).find((at) => at !== undefined);
  return freeSpot(doc, before ? [before[0] + CARD.width + GAP.ranksep, before[1]] : [0, 0]);
}

/** `at`, or the next place below it where no card stands. */
export function freeSpot(doc: Doc, at: Point): Point {
  const taken = Object.values(doc.layout.positions ?? {});
  const x = at[0];
  let y = at[1];
  while (taken.some(([left, top]) => Math.abs(left - x) < CARD.width && Math.abs(top - y) < CARD.height + 12)) y += CARD.height + GAP.nodesep;
  return [x, y];
}
