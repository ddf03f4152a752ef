import { expect, test } from "vitest";
import { align } from "../src/admin/flow/canvas/guides";
import { drawable, given, uiOf } from "../src/admin/flow/inspector/settings";
import { inserted, mayInsert, textOf, valueOf } from "../src/admin/flow/inspector/values";
import { fallbackRegistry } from "../src/admin/flow/state/fallback";
import { fits, kindsOf } from "../src/admin/flow/state/kinds";
import { portsOf, typeOf, type Knowledge } from "../src/admin/flow/state/registry";
import { bindRefusal, fillable, scopeOf } from "../src/admin/flow/state/scope";
import type { Doc } from "../src/admin/flow/state/doc";
import type { JsonObject, NodeType } from "../src/admin/flow/types";

const FORM = { type: "object", properties: { product: { type: "string", title: "Product" }, photo: { type: "string", format: "file", contentMediaType: "image/*" } } };
const known: Knowledge = { registry: fallbackRegistry({}), parts: null, described: null, feature: { key: "f", form: FORM, output: { type: "object", properties: { text: { type: "string" } }, required: ["text"] } } };
const doc: Doc = {
  graph: { nodes: [{ id: "start", type: "start" }, { id: "ask", type: "llm_chat" }, { id: "end", type: "end" }], edges: [{ source: "start", target: "ask" }, { source: "ask", target: "end" }], variables: [{ name: "tone", schema: { type: "string" } }] },
  layout: {},
};

test("kinds are what people would say", () => {
  expect(kindsOf({ type: "string" })).toEqual(["text"]);
  expect(kindsOf({ type: ["integer", "null"] })).toEqual(["number"]);
  expect(kindsOf({ type: "object", properties: { uri: { type: "string", contentMediaType: "image/*" } } })).toEqual(["file"]);
  expect(kindsOf({ anyOf: [{ type: "string" }, { type: "array" }] })).toEqual(["text", "list"]);
  expect(kindsOf({ type: "string", oneOf: [{ const: "a", title: "A" }] })).toEqual(["text"]);
  expect([kindsOf(true), kindsOf(null), kindsOf({})]).toEqual([["any"], ["any"], ["any"]]);
  expect([fits(["file"], ["text"]), fits(["any"], ["file"]), fits(["text", "list"], ["list"])]).toEqual([false, true, true]);
});

test("the scope of a step is what comes before it, and the variables of the pipeline", () => {
  expect(scopeOf(doc, "ask", known).map((one) => one.path)).toEqual(["start.product", "start.photo", "vars.tone"]);
  expect(scopeOf(doc, "end", known).map((one) => one.path)).toContain("ask.text");
  expect(scopeOf(doc, "start", known).map((one) => one.path)).toEqual(["vars.tone"]);
});

test("a file is refused where a text is needed, and the one thing that fits is filled in", () => {
  expect(bindRefusal(doc, { node: "start", field: "photo" }, { node: "ask", field: "text" }, known)).toEqual({ word: "refuse.kind", given: ["file"], wanted: ["text"] });
  expect(bindRefusal(doc, { node: "start", field: "product" }, { node: "ask", field: "text" }, known)).toBe(null);
  expect(bindRefusal(doc, { node: "ask", field: "text" }, { node: "start", field: "x" }, known)?.word).toBe("refuse.circle");
  const [start, ask, end] = doc.graph.nodes ?? [];
  if (!start || !ask || !end) throw new Error("no nodes");
  expect(fillable(start, ask, known)).toEqual({ text: "{{ start.product }}" });
  expect(fillable(ask, end, known)).toEqual({ text: "{{ ask.text }}" });
});

test("ways out follow the settings", () => {
  const registry = { ...known.registry, types: [...known.registry.types, { ...typeOf(known.registry, "switch"), type: "switch", ports: { in: [], out: [], dynamic: "cases" as const } }, { ...typeOf(known.registry, "ask"), type: "ask", ports: { in: [], out: [], dynamic: "options" as const } }] };
  const ids = (node: JsonObject) => portsOf({ id: "n", ...node } as never, { ...known, registry }).map((port) => port.id);
  expect(ids({ type: "condition" })).toEqual(["true", "false"]);
  expect(ids({ type: "end" })).toEqual([]);
  expect(ids({ type: "prompt", policy: { on_error: "continue" } })).toEqual(["", "error"]);
  expect(ids({ type: "switch", config: { cases: [{ key: "a" }, { key: "a" }, {}, null, { key: "b" }] } })).toEqual(["a", "b", "default"]);
  expect(ids({ type: "ask", config: { options: ["yes"] } })).toEqual(["yes", "timeout"]);
  expect(ids({ type: "ask", config: { options: ["yes"], on_timeout: "option" } })).toEqual(["yes"]);
  expect(ids({ type: "from-the-future" })).toEqual([""]);
});

test("typed values keep their types, and long numbers their digits", () => {
  expect(valueOf("4", ["number"])).toBe(4);
  expect(valueOf("4", ["text"])).toBe("4");
  expect(valueOf("4.", ["number"])).toBe("4.");
  expect(valueOf("12345678901234567890", ["any"])).toBe("12345678901234567890");
  expect([valueOf("true", ["boolean"]), valueOf("", ["any"])]).toEqual([true, undefined]);
  expect(valueOf('["a"]', ["list"])).toEqual(["a"]);
  expect(valueOf("{{ a.b }}", ["object"])).toBe("{{ a.b }}");
  for (const value of [4, true, ["a"], { a: 1 }, "x"]) expect(valueOf(textOf(value), ["any"])).toEqual(value);
});

test("a reference completes what was begun", () => {
  expect(inserted("Hi {{ sta", 9, "start.product")).toEqual({ text: "Hi {{ start.product }}", at: 22 });
  expect(inserted("Hi {{ }}!", 6, "a.b")).toEqual({ text: "Hi {{ a.b }}!", at: 12 });
  expect([mayInsert(["number"], ["text"], ""), mayInsert(["number"], ["text"], "Size: "), mayInsert(["file"], ["text"], "See ")]).toEqual([false, true, false]);
});

test("settings are drawn without nulls, and looking at them changes nothing", () => {
  const schema: JsonObject = { type: "object", properties: { t: { anyOf: [{ type: "number", minimum: 0 }, { type: "null" }], default: null, title: "T" }, m: { type: "string", default: "" } } };
  expect(drawable(schema).properties).toEqual({ t: { type: "number", minimum: 0, title: "T" }, m: { type: "string", default: "" } });
  expect(given({ t: undefined as never, m: "", x: {} }, {}, schema)).toEqual({});
  expect(given({ m: "", t: 0 }, { m: "old" }, schema)).toEqual({ m: "", t: 0 });
});

test("hints reach into lists and references of a schema", () => {
  const schema: JsonObject = {
    type: "object", $defs: { Case: { type: "object", properties: { expression: { type: "string", "x-widget": "cel" } } } },
    properties: { cases: { type: "array", items: { $ref: "#/$defs/Case" } }, whole: { type: "object" }, prompt: { type: "string", "x-widget": "prompt" } },
  };
  const type = { ...typeOf(known.registry, "x"), config: { schema, ui: { "ui:order": ["prompt"] }, defaults: {} } } as NodeType;
  expect(uiOf(type, { text: { cel: "C", prompt: "P" }, whole: "W" })).toEqual({
    "ui:order": ["prompt"],
    cases: { items: { expression: { "ui:widget": "C", "ui:options": { kind: "cel" } } } },
    whole: { "ui:field": "W" },
    prompt: { "ui:widget": "P", "ui:options": { kind: "prompt" } },
  });
});

test("a box drops into line with the nearest one, and not from afar", () => {
  const box = { x: 103, y: 50, width: 100, height: 40 };
  const { at, guides } = align(box, [{ x: 100, y: 200, width: 100, height: 40 }, { x: 600, y: 400, width: 10, height: 10 }]);
  expect(at).toEqual({ x: 100, y: 50 });
  expect(guides).toEqual({ vertical: { x: 100, from: 50, to: 240 }, horizontal: null });
  expect(align({ ...box, x: 120 }, [{ x: 100, y: 200, width: 100, height: 40 }]).guides).toEqual({ vertical: null, horizontal: null });
});
