import type { Graph, GraphDiff, GraphNode } from "../types";
import { edgeId } from "./doc";
import { equal } from "./merge";

/** What has become of `from` in `to`, down to the settings. Places are not compared: they are no part of a graph. */
export function diffOf(from: Graph, to: Graph): GraphDiff {
  const [before, after] = [from, to].map((graph) => new Map((graph.nodes ?? []).map((node) => [node.id, node]))) as [Map<string, GraphNode>, Map<string, GraphNode>];
  const nodes: GraphDiff["nodes"] = {};
  for (const [id, node] of after) {
    const old = before.get(id);
    if (!old) nodes[id] = { change: "added", fields: [] };
    else if (!equal(old, node)) nodes[id] = { change: "changed", fields: changedFields(old, node) };
  }
  for (const id of before.keys()) if (!after.has(id)) nodes[id] = { change: "removed", fields: [] };
  const [was, is] = [from, to].map((graph) => new Map((graph.edges ?? []).map((edge) => [edgeId(edge), edge]))) as [Map<string, never>, Map<string, never>];
  const added = [...is].filter(([id]) => !was.has(id)).map(([, edge]) => ({ edge, change: "added" as const }));
  const removed = [...was].filter(([id]) => !is.has(id)).map(([, edge]) => ({ edge, change: "removed" as const }));
  return { nodes, edges: [...added, ...removed] };
}

const PARTS = ["type", "title", "config", "inputs", "policy", "note"] as const;
const DEEP = new Set(["config", "inputs", "policy"]);

function changedFields(old: GraphNode, node: GraphNode): string[] {
  return PARTS.filter((part) => !equal(old[part], node[part])).flatMap((part) => {
    if (!DEEP.has(part)) return [part];
    const [a, b] = [old[part] ?? {}, node[part] ?? {}] as Record<string, unknown>[];
    return [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])].filter((name) => !equal(a?.[name], b?.[name])).map((name) => `${part}.${name}`);
  });
}
