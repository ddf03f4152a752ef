import type { Connection } from "@xyflow/react";
import { join, joined, movedBoxes, placeOf, sayRefusal, tell } from "../actions";
import type { Desk } from "../desk";
import { nodeOf, setNode } from "../state/doc";
import { portsOf } from "../state/registry";
import { ancestors, bindRefusal, refusal, type Refusal } from "../state/scope";
import type { Point } from "../types";
import { say } from "../words";

export { join, sayRefusal, tell };

type Link = Pick<Connection, "source" | "target" | "sourceHandle" | "targetHandle">;

export const wayOf = (handle: string | null | undefined): string => (handle?.startsWith("way:") ? handle.slice(4) : "");
const isValue = (handle: string | null | undefined) => /^(in|out):/.test(handle ?? "");
const fieldOf = (handle: string | null | undefined) => (handle ?? "").replace(/^(in|out):/, "");

/** Why two handles cannot be joined; null when they can. */
export function refusalOf(desk: Desk, link: Link): Refusal | null {
  const { doc } = desk.editor;
  if (isValue(link.sourceHandle) !== isValue(link.targetHandle)) return { word: "refuse.mixed" };
  if (!isValue(link.sourceHandle)) return refusal(doc, { source: link.source, target: link.target, when: wayOf(link.sourceHandle) });
  const from = { node: link.source, field: fieldOf(link.sourceHandle) };
  return bindRefusal(doc, from, { node: link.target, field: fieldOf(link.targetHandle) }, desk.known.get());
}

/** Has an input take an output. Where nothing says yet that the one comes after the other, that is drawn too. */
export function bind(desk: Desk, link: Link): void {
  const [output, input] = [fieldOf(link.sourceHandle), fieldOf(link.targetHandle)];
  desk.editor.change((doc) => {
    const target = nodeOf(doc, link.target);
    const source = nodeOf(doc, link.source);
    if (!source || !target) return doc;
    const bound = setNode(doc, target.id, { inputs: { ...target.inputs, [input]: `{{ ${source.id}.${output} }}` } });
    const port = portsOf(source, desk.known.get())[0];
    return ancestors(bound, target.id).has(source.id) || !port ? bound : joined(desk, bound, { source: source.id, target: target.id, when: port.id });
  });
  tell(desk, say("bind.done", { from: `${link.source}.${output}`, to: `${link.target}.${input}` }));
}

/** What was dragged is where it is: one step of the document. */
export function settle(desk: Desk): void {
  const { doc } = desk.editor;
  const places = new Map<string, Point>();
  for (const box of desk.canvas.store.get().nodes) {
    if (box.type !== "step" && box.type !== "note") continue;
    const [x, y] = placeOf(doc, box.id);
    const at: Point = [Math.round(box.position.x), Math.round(box.position.y)];
    if (at[0] !== x || at[1] !== y) places.set(box.id, at);
  }
  if (places.size > 0) desk.editor.change((now) => movedBoxes(now, places.keys(), (box) => places.get(box) ?? [0, 0]));
  desk.canvas.sync();
}
