import { addNode, connect, freeId, idsOf, moveNodes, nodesOf, removeNodes, setNode, type Doc } from "../src/admin/flow/state/doc";

export type Random = () => number;

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const any = <T>(random: Random, list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
const TYPES = ["prompt", "llm_chat", "mcp_tool", "condition"];

/** A flow without circles: lines only lead from earlier to later steps. */
export function someDoc(random: Random): Doc {
  let doc: Doc = { graph: { nodes: [], edges: [] }, layout: {} };
  const size = 1 + Math.floor(random() * 12);
  for (let n = 0; n < size; n += 1) {
    const before = any(random, nodesOf(doc));
    const id = freeId(idsOf(doc), any(random, TYPES) ?? "prompt");
    doc = addNode(doc, { id, type: any(random, TYPES) ?? "prompt", inputs: before ? { text: `{{ ${before.id}.text }}` } : {} }, [n * 40, Math.floor(random() * 300)]);
    if (before && random() < 0.8) doc = connect(doc, { source: before.id, target: id });
  }
  return doc;
}

/** Changes such as a person makes, in any order. */
export function steps(random: Random, count: number): ((doc: Doc) => Doc)[] {
  const kinds: ((doc: Doc) => Doc)[] = [
    (doc) => addNode(doc, { id: freeId(idsOf(doc), "more"), type: "prompt" }, [0, 0]),
    (doc) => removeNodes(doc, new Set([any(random, nodesOf(doc))?.id ?? ""])),
    (doc) => moveNodes(doc, { [any(random, nodesOf(doc))?.id ?? "none"]: [Math.round(random() * 500), 3] }),
    (doc) => setNode(doc, any(random, nodesOf(doc))?.id ?? "", { note: String(random()) }),
    (doc) => doc,
  ];
  return Array.from({ length: count }, () => any(random, kinds) ?? ((doc: Doc) => doc));
}
