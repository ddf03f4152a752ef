/** A small layered layout (Sugiyama): layers by longest path, order by barycentre, straight columns. */
export interface GraphEdge {
  source: string;
  target: string;
  when?: string;
}

export interface Spot {
  x: number;
  y: number;
}

export interface Route extends GraphEdge {
  /** From the lower edge of the source to the upper edge of the target. */
  points: Spot[];
}

export interface Layout {
  width: number;
  height: number;
  spots: Map<string, Spot>;
  routes: Route[];
}

export const NODE = { width: 212, height: 58 };
const GAP = { x: 28, y: 46 };
const LANE = 34;
const SWEEPS = 6;

interface Item {
  id: string;
  /** A long edge passes each layer in between through a lane of its own. */
  lane: boolean;
}

export function layOut(ids: string[], allEdges: GraphEdge[]): Layout {
  const known = new Set(ids);
  const edges = allEdges.filter((edge) => known.has(edge.source) && known.has(edge.target));
  const depth = depths(ids, edges);
  const { layers, chains } = withLanes(ids, edges, depth);
  const links = chains.flatMap((chain) => chain.slice(1).map((id, index) => [chain[index] ?? id, id] as const));
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) reorder(layers, links, sweep % 2 === 0);
  return place(layers, edges, chains, known);
}

/** The longest way from a start to each node. Edges that close a circle are ignored. */
function depths(ids: string[], edges: GraphEdge[]): Map<string, number> {
  const depth = new Map(ids.map((id) => [id, 0]));
  const waiting = new Map(ids.map((id) => [id, edges.filter((edge) => edge.target === id).length]));
  const ready = ids.filter((id) => waiting.get(id) === 0);
  for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
    for (const { target } of edges.filter((edge) => edge.source === id)) {
      depth.set(target, Math.max(depth.get(target) ?? 0, (depth.get(id) ?? 0) + 1));
      waiting.set(target, (waiting.get(target) ?? 0) - 1);
      if (waiting.get(target) === 0) ready.push(target);
    }
  }
  return depth;
}

function withLanes(ids: string[], edges: GraphEdge[], depth: Map<string, number>) {
  const layers: Item[][] = [];
  const at = (level: number) => (layers[level] ??= []);
  for (const id of ids) at(depth.get(id) ?? 0).push({ id, lane: false });
  const chains = edges.map(({ source, target }, index) => {
    const chain = [source];
    for (let level = (depth.get(source) ?? 0) + 1; level < (depth.get(target) ?? 0); level += 1) {
      const id = `lane:${index}:${level}`;
      at(level).push({ id, lane: true });
      chain.push(id);
    }
    return [...chain, target];
  });
  return { layers: Array.from(layers, (layer) => layer ?? []), chains };
}

/** Puts each item near the middle of its neighbours in the layer just ordered. */
function reorder(layers: Item[][], links: (readonly [string, string])[], down: boolean): void {
  const sequence = down ? layers.map((_, index) => index) : layers.map((_, index) => layers.length - 1 - index);
  for (const index of sequence) {
    const before = layers[down ? index - 1 : index + 1];
    const layer = layers[index];
    if (!before || !layer) continue;
    const rank = new Map(before.map((item, position) => [item.id, position - before.length / 2]));
    const weight = new Map(layer.map((item, position) => [item.id, middle(item.id, links, rank, down) ?? position - layer.length / 2]));
    layer.sort((a, b) => (weight.get(a.id) ?? 0) - (weight.get(b.id) ?? 0));
  }
}

function middle(id: string, links: (readonly [string, string])[], rank: Map<string, number>, down: boolean): number | null {
  const near = links.filter((link) => link[down ? 1 : 0] === id).map((link) => rank.get(link[down ? 0 : 1]));
  const found = near.filter((value) => value !== undefined);
  return found.length === 0 ? null : found.reduce((sum, value) => sum + value, 0) / found.length;
}

const widthOf = (item: Item) => (item.lane ? LANE : NODE.width);
const totalOf = (layer: Item[]) => layer.reduce((sum, item) => sum + widthOf(item) + GAP.x, -GAP.x);

function place(layers: Item[][], edges: GraphEdge[], chains: string[][], nodes: Set<string>): Layout {
  const width = Math.max(NODE.width, ...layers.map(totalOf));
  const centres = new Map<string, Spot>();
  for (const [level, layer] of layers.entries()) {
    let x = (width - totalOf(layer)) / 2;
    for (const item of layer) {
      centres.set(item.id, { x: x + widthOf(item) / 2, y: level * (NODE.height + GAP.y) });
      x += widthOf(item) + GAP.x;
    }
  }
  const routes = edges.map((edge, index) => ({ ...edge, points: routeOf(chains[index] ?? [], centres) }));
  const spots = new Map([...centres].filter(([id]) => nodes.has(id)).map(([id, spot]) => [id, { x: spot.x - NODE.width / 2, y: spot.y }]));
  return { width, height: layers.length * (NODE.height + GAP.y) - GAP.y, spots, routes };
}

function routeOf(chain: string[], centres: Map<string, Spot>): Spot[] {
  const points: Spot[] = [];
  for (const [index, id] of chain.entries()) {
    const centre = centres.get(id) ?? { x: 0, y: 0 };
    if (index > 0) points.push(centre);
    if (index < chain.length - 1) points.push({ x: centre.x, y: centre.y + NODE.height });
  }
  return points;
}
