import type { Point } from "../types";
import { edgesOf, nodesOf, type Doc } from "../state/doc";

export type Direction = "left" | "right" | "up" | "down";

/** The step to go to from `id`: along an edge to the sides, to the nearest one up and down. */
export function neighbour(doc: Doc, id: string, direction: Direction): string | null {
  const place = (node: string): Point => doc.layout.positions?.[node] ?? [0, 0];
  const [x, y] = place(id);
  const near = (ids: string[]) => ids.sort((a, b) => away(place(a), [x, y]) - away(place(b), [x, y]))[0] ?? null;
  if (direction === "right") return near(edgesOf(doc).filter((edge) => edge.source === id).map((edge) => edge.target));
  if (direction === "left") return near(edgesOf(doc).filter((edge) => edge.target === id).map((edge) => edge.source));
  const sign = direction === "up" ? -1 : 1;
  return near(nodesOf(doc).map((node) => node.id).filter((other) => other !== id && (place(other)[1] - y) * sign > 8));
}

const away = (a: Point, b: Point) => Math.hypot((a[0] - b[0]) * 1.6, a[1] - b[1]);
