import { expect, test } from "vitest";
import { translated, words } from "../src/admin/translated";
import { layOut, NODE } from "../src/admin/pipeline/layout";

const edge = (source: string, target: string) => ({ source, target });

test("each edge leads downwards, over as many layers as it spans", () => {
  const layout = layOut(["a", "b", "c", "d"], [edge("a", "b"), edge("b", "c"), edge("c", "d"), edge("a", "d")]);
  const y = (id: string) => layout.spots.get(id)!.y;
  expect(["a", "b", "c", "d"].map(y)).toEqual([...["a", "b", "c", "d"].map(y)].sort((p, q) => p - q));
  expect(layout.routes.map((route) => route.points.length)).toEqual([2, 2, 2, 6]);
});

test("no two nodes overlap", () => {
  const ids = ["s", "a", "b", "c", "d", "e"];
  const layout = layOut(ids, ["a", "b", "c", "d"].flatMap((id) => [edge("s", id), edge(id, "e")]));
  const spots = [...layout.spots.values()];
  for (const [index, one] of spots.entries()) {
    for (const other of spots.slice(index + 1)) {
      expect(Math.abs(one.x - other.x) >= NODE.width || Math.abs(one.y - other.y) >= NODE.height).toBe(true);
    }
  }
});

test("a circle and an edge to nowhere are drawn as far as they can be", () => {
  const layout = layOut(["a", "b"], [edge("a", "b"), edge("b", "a"), edge("a", "gone")]);
  expect(layout.spots.size).toBe(2);
  expect(layout.routes).toHaveLength(2);
});

test("overlays of a language replace their neighbours", () => {
  const schema = { title: "Size", "x-i18n": { "zh-hans": { title: "尺寸" } }, list: [{ a: 1, "x-i18n": {} }] };
  expect(translated(schema, "zh-hans")).toEqual({ title: "尺寸", list: [{ a: 1 }] });
  expect(translated(schema, "en")).toEqual({ title: "Size", list: [{ a: 1 }] });
  expect(words({ en: "Form", "zh-hans": "表单" }, "zh-hans")).toBe("表单");
});
