import type { Group } from "../types";
import { CARD, type Size } from "../state/arrange";
import type { Doc } from "../state/doc";

export interface Bounds extends Size {
  x: number;
  y: number;
}

type Measured = { width?: number; height?: number } | undefined;

const PAD = { side: 20, top: 44, bottom: 20 };

/** The frame round the nodes of a group; of a folded one, the place of its first node. */
export function boundsOf(group: Group, doc: Doc, sizes: ReadonlyMap<string, Measured>): Bounds {
  const boxes = group.nodes.map((id) => {
    const [x, y] = doc.layout.positions?.[id] ?? [0, 0];
    return { x, y, width: sizes.get(id)?.width ?? CARD.width, height: sizes.get(id)?.height ?? CARD.height };
  });
  if (boxes.length === 0) return { x: 0, y: 0, ...CARD };
  const [left, top] = [Math.min(...boxes.map((box) => box.x)), Math.min(...boxes.map((box) => box.y))];
  if (group.collapsed) return { x: left, y: top, ...CARD };
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x: left - PAD.side, y: top - PAD.top, width: right - left + 2 * PAD.side, height: bottom - top + PAD.top + PAD.bottom };
}
