import { describe, expect, test } from "vitest";
import { arranged, CARD, placed } from "../src/admin/flow/state/arrange";
import { copyOf, paste, readClip } from "../src/admin/flow/state/clipboard";
import { diffOf } from "../src/admin/flow/state/diff";
import { addNode, connect, edgeId, edgesOf, freeId, idsOf, isGoodId, moveNodes, nodeOf, nodesOf, references, removeNodes, renameNode, setNode, type Doc } from "../src/admin/flow/state/doc";
import { Editor } from "../src/admin/flow/state/editor";
import { readDoc } from "../src/admin/flow/state/reading";
import { ancestors, refusal } from "../src/admin/flow/state/scope";
import type { GraphNode } from "../src/admin/flow/types";
import { seeded, someDoc, steps } from "./flowRandom";

const start: GraphNode = { id: "start", type: "start" };
const ask: GraphNode = { id: "ask", type: "llm_chat", inputs: { text: "{{ start.product }} and {{ 'start.product' }}" } };
const end: GraphNode = { id: "end", type: "end", inputs: { text: "{{ ask.text }}" } };
const DOC: Doc = {
  graph: { nodes: [start, ask, end], edges: [{ source: "start", target: "ask" }, { source: "ask", target: "end" }] },
  layout: { positions: { start: [0, 0], ask: [300, 0], end: [600, 0] }, groups: [{ id: "g", nodes: ["ask"] }] },
};

describe("the document", () => {
  test("a removed step takes its lines, its place and its group along", () => {
    const less = removeNodes(DOC, new Set(["ask"]));
    expect(nodesOf(less).map((node) => node.id)).toEqual(["start", "end"]);
    expect(edgesOf(less)).toEqual([]);
    expect(less.layout).toEqual({ positions: { start: [0, 0], end: [600, 0] }, groups: [] });
  });

  test("a new id is followed by lines, groups and references, and by nothing that only looks like one", () => {
    const renamed = renameNode(renameNode(DOC, "start", "form"), "ask", "answer");
    expect(nodeOf(renamed, "answer")?.inputs).toEqual({ text: "{{ form.product }} and {{ 'start.product' }}" });
    expect(nodeOf(renamed, "end")?.inputs).toEqual({ text: "{{ answer.text }}" });
    expect(edgesOf(renamed).map(edgeId)).toEqual(["form||answer", "answer||end"]);
    expect(renamed.layout.groups).toEqual([{ id: "g", nodes: ["answer"] }]);
    expect(renamed.layout.positions?.answer).toEqual([300, 0]);
  });

  test("ids are free, and such as the server takes", () => {
    expect(freeId(new Set(["ask", "ask_2"]), "ask")).toBe("ask_3");
    expect(freeId(new Set(), "vars")).toBe("step");
    expect(isGoodId(freeId(new Set(), "Ümläut 9"))).toBe(true);
  });

  test("a line is there once, and one without a way says none", () => {
    const twice = connect(connect(DOC, { source: "start", target: "end", when: "" }), { source: "start", target: "end" });
    expect(edgesOf(twice).at(-1)).toEqual({ source: "start", target: "end" });
    expect(edgesOf(twice)).toHaveLength(3);
  });

  test("a member set to nothing is gone", () => {
    expect(nodeOf(setNode(DOC, "ask", { inputs: undefined }), "ask")).toEqual({ id: "ask", type: "llm_chat" });
  });

  test("references are found in the order they stand", () => {
    expect(references({ a: "{{ x.b | upcase }} {% if y.c == 'z.d' %}", b: ["{{ x.b }}{{ q.e.f }}"] })).toEqual(["x.b", "y.c", "q.e.f"]);
  });
});

describe("reading", () => {
  test("what cannot be drawn is left out, and that is said", () => {
    const read = readDoc({ nodes: [start, { id: "x" }, 3], edges: [{ source: "start", target: "gone" }] }, { positions: { start: ["a", 1] } });
    expect(read).toEqual({ doc: { graph: { nodes: [start], edges: [] }, layout: { positions: {}, groups: [], notes: [] } }, whole: false });
  });

  test("what is unknown but harmless stays", () => {
    const read = readDoc({ schema: 2, odd: 1, nodes: [{ ...start, extra: true }] }, null);
    expect(read.whole).toBe(true);
    expect(read.doc.graph).toMatchObject({ odd: 1, nodes: [{ extra: true }] });
  });

  test.each([null, [], 4, "x", { nodes: 3 }, { nodes: [start, start] }])("%j is not whole", (raw) => {
    expect(readDoc(raw, {}).whole).toBe(false);
  });
});

describe("undo and redo", () => {
  test("any walk of changes can be taken back to the first and forth to the last", () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const random = seeded(seed);
      const first = someDoc(random);
      const editor = new Editor(first, () => 0);
      const seen = [first];
      for (const step of steps(random, 12)) if (editor.change(step)) seen.push(editor.doc);
      const last = editor.doc;
      for (const before of seen.slice(0, -1).reverse()) {
        expect(editor.undo()).toBe(true);
        expect(editor.doc).toBe(before);
      }
      expect(editor.undo()).toBe(false);
      while (editor.redo());
      expect(editor.doc).toBe(last);
    }
  });

  test("typing in one field is one step, until a pause", () => {
    let now = 0;
    const editor = new Editor(DOC, () => now);
    const write = (text: string) => editor.change((doc) => setNode(doc, "ask", { note: text }), "note");
    write("a");
    now += 500;
    write("ab");
    now += 5_000;
    write("abc");
    editor.undo();
    expect(nodeOf(editor.doc, "ask")?.note).toBe("ab");
    editor.undo();
    expect(editor.doc).toBe(DOC);
  });

  test("a change after an undo forgets what was undone", () => {
    const editor = new Editor(DOC);
    editor.change((doc) => moveNodes(doc, { ask: [1, 1] }));
    editor.undo();
    editor.change((doc) => moveNodes(doc, { ask: [2, 2] }));
    expect(editor.redo()).toBe(false);
  });
});

describe("copy and paste", () => {
  test("copies get ids of their own, and references among them follow", () => {
    const clip = copyOf(DOC, new Set(["start", "ask", "end"]), (type) => ["start", "end"].includes(type));
    expect(clip.nodes.map((node) => node.id)).toEqual(["ask"]);
    const both = copyOf(addNode(DOC, { id: "next", type: "prompt", inputs: { a: "{{ ask.text }}" } }, [0, 0]), new Set(["ask", "next"]), () => false);
    const { doc, ids } = paste(DOC, both, [10, 20]);
    expect(ids).toEqual(["ask_2", "next"]);
    expect(nodeOf(doc, "next")?.inputs).toEqual({ a: "{{ ask_2.text }}" });
    expect(nodeOf(doc, "ask_2")?.inputs).toEqual(ask.inputs);
    expect(doc.layout.positions?.ask_2).toEqual([310, 20]);
  });

  test("pasting anything anywhere keeps ids unique and lines whole", () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const random = seeded(seed);
      const [from, into] = [someDoc(random), someDoc(random)];
      const { doc } = paste(into, copyOf(from, idsOf(from), () => false), [0, 0]);
      expect(idsOf(doc).size).toBe(nodesOf(doc).length);
      expect(nodesOf(doc)).toHaveLength(nodesOf(into).length + nodesOf(from).length);
      expect(edgesOf(doc)).toHaveLength(edgesOf(into).length + edgesOf(from).length);
      expect(edgesOf(doc).every((edge) => nodeOf(doc, edge.source) && nodeOf(doc, edge.target))).toBe(true);
    }
  });

  test("a text that is no clip is none", () => {
    for (const text of ["", "x", "[]", "{}", '{"paiban":"flow"}', '{"paiban":"flow","nodes":[{}],"edges":[]}']) expect(readClip(text)).toBe(null);
  });
});

describe("joining", () => {
  test("whatever is drawn step by step never becomes a circle", () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const random = seeded(seed);
      let doc = someDoc(random);
      const ids = [...idsOf(doc)];
      for (let n = 0; n < 30; n += 1) {
        const edge = { source: ids[Math.floor(random() * ids.length)] ?? "", target: ids[Math.floor(random() * ids.length)] ?? "", when: "" };
        if (!refusal(doc, edge)) doc = connect(doc, edge);
      }
      for (const id of ids) expect(ancestors(doc, id).has(id)).toBe(false);
    }
  });

  test("every refusal says why", () => {
    const word = (source: string, target: string) => refusal(DOC, { source, target, when: "" })?.word ?? null;
    expect([word("ask", "ask"), word("end", "ask"), word("ask", "start"), word("start", "ask"), word("start", "end")]).toEqual(
      ["refuse.self", "refuse.noOut", "refuse.noIn", "refuse.there", null]);
    const longer = connect(addNode(DOC, { id: "b", type: "prompt" }, [0, 0]), { source: "ask", target: "b" });
    expect(refusal(longer, { source: "b", target: "ask", when: "" })?.word).toBe("refuse.circle");
  });
});

test("in order, no card stands on another and every line goes to the right", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const doc = someDoc(seeded(seed));
    const places = arranged(doc);
    for (const edge of edgesOf(doc)) expect((places[edge.target]?.[0] ?? 0) - (places[edge.source]?.[0] ?? 0)).toBeGreaterThanOrEqual(CARD.width);
    const spots = Object.values(places);
    for (const [index, [x, y]] of spots.entries()) for (const [left, top] of spots.slice(index + 1)) expect(Math.abs(x - left) >= CARD.width || Math.abs(y - top) >= CARD.height).toBe(true);
  }
});

test("a step without a place gets one beside what leads to it, and the others keep theirs", () => {
  const some = { ...DOC, layout: { positions: { start: [5, 7] as [number, number] } } };
  const doc = placed(some);
  expect(doc.layout.positions?.start).toEqual([5, 7]);
  expect(Object.keys(doc.layout.positions ?? {}).sort()).toEqual(["ask", "end", "start"]);
  expect(placed(doc)).toBe(doc);
});

test("a difference names steps, settings and lines", () => {
  const now = connect(setNode(removeNodes(DOC, new Set(["end"])), "ask", { config: { model: "m" }, title: "Ask" }), { source: "start", target: "ask", when: "x" });
  expect(diffOf(DOC.graph, now.graph)).toEqual({
    nodes: { ask: { change: "changed", fields: ["title", "config.model"] }, end: { change: "removed", fields: [] } },
    edges: [{ edge: { source: "start", target: "ask", when: "x" }, change: "added" }, { edge: { source: "ask", target: "end" }, change: "removed" }],
  });
  expect(diffOf(DOC.graph, DOC.graph)).toEqual({ nodes: {}, edges: [] });
});
