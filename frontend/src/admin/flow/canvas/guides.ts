import type { XYPosition } from "@xyflow/react";
import type { Bounds } from "./bounds";

/** Lines along which the box that is being moved stands level with others, in the canvas's own measure. */
export interface Guides {
  vertical: { x: number; from: number; to: number } | null;
  horizontal: { y: number; from: number; to: number } | null;
}

export const NO_GUIDES: Guides = { vertical: null, horizontal: null };
const NEAR = 6;

interface Hit {
  away: number;
  at: number;
  other: Bounds;
}

/** Where a box drops into line with others, and the lines that show it. `near` is in the canvas's measure. */
export function align(box: Bounds, others: readonly Bounds[], near = NEAR): { at: XYPosition; guides: Guides } {
  const x = nearest(box, others, (one) => [one.x, one.x + one.width / 2, one.x + one.width], near);
  const y = nearest(box, others, (one) => [one.y, one.y + one.height / 2, one.y + one.height], near);
  const moved = { ...box, x: box.x + (x?.away ?? 0), y: box.y + (y?.away ?? 0) };
  return {
    at: { x: moved.x, y: moved.y },
    guides: {
      vertical: x && { x: x.at, from: Math.min(moved.y, x.other.y), to: Math.max(moved.y + moved.height, x.other.y + x.other.height) },
      horizontal: y && { y: y.at, from: Math.min(moved.x, y.other.x), to: Math.max(moved.x + moved.width, y.other.x + y.other.width) },
    },
  };
}

/** Edges with edges, middles with middles: the closest pair decides. */
function nearest(box: Bounds, others: readonly Bounds[], lines: (one: Bounds) => number[], near: number): Hit | null {
  const own = lines(box);
  let best: Hit | null = null;
  for (const other of others) {
    for (const [index, at] of lines(other).entries()) {
      const away = at - (own[index] ?? 0);
      if (Math.abs(away) <= near && Math.abs(away) < Math.abs(best?.away ?? Infinity)) best = { away, at, other };
    }
  }
  return best;
}
