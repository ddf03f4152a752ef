import type { NodeChange, NodePositionChange, XYPosition } from "@xyflow/react";
import type { Desk } from "../desk";
import { groupsOf } from "../state/doc";
import type { Bounds } from "./bounds";
import { align, NO_GUIDES } from "./guides";
import { groupBox, type Box } from "./model";

type Move = NodePositionChange & { position: XYPosition };

/** The library's changes with the boxes in hand dropped into line, and groups taking their steps along. */
export function steer(desk: Desk, changes: NodeChange<Box>[]): NodeChange<Box>[] {
  const moves = changes.filter((change): change is Move => change.type === "position" && change.position !== undefined);
  if (moves.length === 0) return changes;
  const boxes = desk.canvas.store.get().nodes;
  const byId = new Map(boxes.map((box) => [box.id, box]));
  const shift = moves.some((move) => move.dragging) ? snapped(desk, moves, boxes, byId) : heldGuides(desk, moves, boxes, byId);
  const moved = changes.map((change) => (isMove(change) ? { ...change, position: plus(change.position, shift) } : change));
  carry(desk, moved.filter(isMove), byId);
  return moved;
}

const isMove = (change: NodeChange<Box>): change is Move => change.type === "position" && change.position !== undefined;
const plus = (at: XYPosition, by: XYPosition): XYPosition => ({ x: at.x + by.x, y: at.y + by.y });

function snapped(desk: Desk, moves: Move[], boxes: Box[], byId: ReadonlyMap<string, Box>): XYPosition {
  const inHand = new Set(moves.map((move) => move.id));
  const hand = union(moves.map((move) => bounds(byId.get(move.id), move.position)));
  const others = boxes.filter((box) => box.type === "step" && !box.hidden && !inHand.has(box.id)).map((box) => bounds(box, box.position));
  const zoom = desk.rf.current?.getZoom() ?? 1;
  const { at, guides } = align(hand, others, 6 / zoom);
  desk.guides.set(guides);
  return { x: at.x - hand.x, y: at.y - hand.y };
}

/** The last report of a drag is like the one before it, but the lines go away with it. */
function heldGuides(desk: Desk, moves: Move[], boxes: Box[], byId: ReadonlyMap<string, Box>): XYPosition {
  const shift = desk.guides.get() === NO_GUIDES ? { x: 0, y: 0 } : snapped(desk, moves, boxes, byId);
  desk.guides.set(NO_GUIDES);
  return shift;
}

function carry(desk: Desk, moves: Move[], byId: ReadonlyMap<string, Box>): void {
  const own = new Set(moves.map((move) => move.id));
  const places = new Map<string, XYPosition>();
  for (const move of moves) {
    const group = groupsOf(desk.editor.doc).find((one) => groupBox(one.id) === move.id);
    const old = byId.get(move.id)?.position;
    if (!group || !old) continue;
    const by = { x: move.position.x - old.x, y: move.position.y - old.y };
    for (const id of group.nodes) {
      const box = byId.get(id);
      if (box && !own.has(id)) places.set(id, plus(box.position, by));
    }
  }
  if (places.size > 0) desk.canvas.move(places);
}

const bounds = (box: Box | undefined, at: XYPosition): Bounds => ({ ...at, width: box?.measured?.width ?? 0, height: box?.measured?.height ?? 0 });

function union(all: Bounds[]): Bounds {
  const [left, top] = [Math.min(...all.map((one) => one.x)), Math.min(...all.map((one) => one.y))];
  return {
    x: left, y: top,
    width: Math.max(...all.map((one) => one.x + one.width)) - left,
    height: Math.max(...all.map((one) => one.y + one.height)) - top,
  };
}
