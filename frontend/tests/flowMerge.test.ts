import { describe, expect, test } from "vitest";
import { addNode, connect, edgeId, edgesOf, moveNodes, nodeOf, nodesOf, removeNodes, setNode, type Doc } from "../src/admin/flow/state/doc";
import { equal, merge } from "../src/admin/flow/state/merge";
import { seeded, someDoc, steps } from "./flowRandom";

const BASE: Doc = {
  graph: {
    nodes: [{ id: "start", type: "start" }, { id: "ask", type: "llm_chat", config: { model: "a", temperature: 0.5 }, inputs: { text: "x" } }, { id: "end", type: "end" }],
    edges: [{ source: "start", target: "ask" }, { source: "ask", target: "end" }],
  },
  layout: { positions: { start: [0, 0], ask: [300, 0], end: [600, 0] } },
};

const after = (doc: Doc, seed: number) => steps(seeded(seed), 8).reduce((now, step) => step(now), doc);

describe("laws, over random histories", () => {
  test("what one side alone did stands as it is", () => {
    for (let seed = 1; seed <= 80; seed += 1) {
      const base = someDoc(seeded(seed));
      const changed = after(base, seed + 1_000);
      for (const [mine, theirs] of [[changed, base], [base, changed]] as const) {
        const merged = merge(base, mine, theirs);
        expect(merged.conflicts).toEqual([]);
        expect(new Set(nodesOf(merged.doc).map((node) => JSON.stringify(node)))).toEqual(new Set(nodesOf(changed).map((node) => JSON.stringify(node))));
        expect(new Set(edgesOf(merged.doc).map(edgeId))).toEqual(new Set(edgesOf(changed).map(edgeId)));
      }
    }
  });

  test("two people's work leaves no line without its ends, and no step twice", () => {
    for (let seed = 1; seed <= 80; seed += 1) {
      const base = someDoc(seeded(seed));
      const { doc } = merge(base, after(base, seed + 2_000), after(base, seed + 3_000));
      const ids = nodesOf(doc).map((node) => node.id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const edge of edgesOf(doc)) expect([ids.includes(edge.source), ids.includes(edge.target)]).toEqual([true, true]);
    }
  });

  test("choosing theirs, or mine, for everything settles every conflict", () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const base = someDoc(seeded(seed));
      const [mine, theirs] = [after(base, seed + 4_000), after(base, seed + 5_000)];
      const { conflicts } = merge(base, mine, theirs);
      for (const side of ["mine", "theirs"] as const) {
        const { doc } = merge(base, mine, theirs, Object.fromEntries(conflicts.map((one) => [one.path, side])));
        const wanted = side === "mine" ? mine : theirs;
        for (const one of conflicts.filter((conflict) => conflict.path === `nodes.${conflict.node}`)) expect(equal(nodeOf(doc, one.node), nodeOf(wanted, one.node))).toBe(true);
      }
    }
  });
});

describe("what is a conflict and what is not", () => {
  test("two settings of one step are two things", () => {
    const mine = setNode(BASE, "ask", { config: { model: "b", temperature: 0.5 } });
    const theirs = setNode(BASE, "ask", { config: { model: "a", temperature: 1 }, note: "hot" });
    const { doc, conflicts } = merge(BASE, mine, theirs);
    expect(conflicts).toEqual([]);
    expect(nodeOf(doc, "ask")).toMatchObject({ config: { model: "b", temperature: 1 }, note: "hot" });
  });

  test("one setting changed twice is asked about, and the answer stands", () => {
    const mine = setNode(BASE, "ask", { config: { model: "b", temperature: 0.5 } });
    const theirs = setNode(BASE, "ask", { config: { model: "c", temperature: 0.5 } });
    const { conflicts } = merge(BASE, mine, theirs);
    expect(conflicts).toEqual([{ path: "nodes.ask.config.model", node: "ask", base: "a", mine: "b", theirs: "c" }]);
    expect(nodeOf(merge(BASE, mine, theirs, { "nodes.ask.config.model": "theirs" }).doc, "ask")?.config?.model).toBe("c");
  });

  test("removed here and changed there is asked about", () => {
    const mine = removeNodes(BASE, new Set(["ask"]));
    const theirs = setNode(BASE, "ask", { note: "keep me" });
    expect(merge(BASE, mine, theirs).conflicts.map((one) => one.path)).toEqual(["nodes.ask"]);
    expect(nodeOf(merge(BASE, mine, theirs, { "nodes.ask": "theirs" }).doc, "ask")?.note).toBe("keep me");
  });

  test("steps and lines of both stand side by side; places are mine where I moved something", () => {
    const mine = moveNodes(connect(addNode(BASE, { id: "m", type: "prompt" }, [1, 1]), { source: "start", target: "m" }), { ask: [9, 9] });
    const theirs = moveNodes(addNode(BASE, { id: "t", type: "prompt" }, [2, 2]), { ask: [8, 8], end: [7, 7] });
    const { doc, conflicts } = merge(BASE, mine, theirs);
    expect(conflicts).toEqual([]);
    expect(nodesOf(doc).map((node) => node.id).sort()).toEqual(["ask", "end", "m", "start", "t"]);
    expect(doc.layout.positions).toMatchObject({ ask: [9, 9], end: [7, 7], m: [1, 1], t: [2, 2] });
  });

  test("the order of an object's members says nothing", () => {
    expect(equal({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1 })).toBe(true);
    expect(equal([1, 2], [2, 1])).toBe(false);
  });
});
