import { announce } from "../../ui/announce";
import { copyText } from "../prompt/clipboard";
import { groupBox, idIn, noteBox } from "./canvas/model";
import type { Desk } from "./desk";
import { look } from "./desk";
import { arranged, CARD, freeSpot, type Size } from "./state/arrange";
import { copyOf, paste, readClip, type Clip } from "./state/clipboard";
import {
  addNode, connect, edgeId, edgesOf, freeId, groupsOf, groupWith, idsOf, moveNodes, nodeOf, nodesOf, notesOf, removeEdges, removeNodes, setNode, withLayout, type Doc,
} from "./state/doc";
import { portsOf, typeOf } from "./state/registry";
import { fillable, refusal, type Refusal } from "./state/scope";
import type { GraphEdge, GraphNode, Point } from "./types";
import { say, sayKinds, titleOf } from "./words";

/** Says what happened, to the eye and to readers. */
export function tell(desk: Desk, text: string): void {
  desk.said.set(text);
  announce(text);
}

export const nameOf = (desk: Desk, node: GraphNode): string => titleOf(node.title, typeOf(desk.known.get().registry, node.type).label || node.id);

export const sayRefusal = (why: Refusal): string =>
  why.word === "refuse.kind" ? say(why.word, { given: sayKinds(why.given), wanted: sayKinds(why.wanted) }) : say(why.word);

const singles = (desk: Desk) => (type: string) => typeOf(desk.known.get().registry, type).single;

export function sizeOf(desk: Desk): (id: string) => Size {
  const sizes = new Map(desk.canvas.store.get().nodes.map((box) => [box.id, box.measured]));
  return (id) => ({ width: sizes.get(id)?.width ?? CARD.width, height: sizes.get(id)?.height ?? CARD.height });
}

interface Where {
  at?: Point;
  from?: { node: string; when: string };
  edge?: string;
}

/** Puts a new step on the canvas, joined to what it was asked for, and selects it. */
export function add(desk: Desk, type: string, where: Where = {}): void {
  const { editor } = desk;
  const kind = typeOf(desk.known.get().registry, type);
  const full = tooMany(desk, type);
  if (desk.readOnly || full) return full ? tell(desk, full) : undefined;
  const id = freeId(idsOf(editor.doc), type === "llm_chat" ? "answer" : type);
  const { from, at } = spotFor(desk, where);
  const node: GraphNode = { id, type, config: { ...kind.config.defaults } };
  editor.change((doc) => {
    const placed = addNode(doc, node, at);
    if (where.edge) return between(desk, placed, where.edge, id);
    return from ? joined(desk, placed, { source: from.node, target: id, when: from.when }) : placed;
  });
  editor.select([id]);
  look(desk, { side: "step", adding: null, menu: null, ...(where.at ? {} : { palette: false }) });
  requestAnimationFrame(() => reveal(desk, id));
  tell(desk, say("add.done", { name: kind.label }));
}

function spotFor(desk: Desk, where: Where): Required<Pick<Where, "at">> & Pick<Where, "from"> {
  const { doc } = desk.editor;
  const from = where.from ?? (where.edge || where.at ? undefined : after(desk));
  return { from, at: freeSpot(doc, where.at ?? (from ? beside(doc, from.node) : middle(desk))) };
}

/** Why there cannot be another step of a type; "" when there can. */
function tooMany(desk: Desk, type: string): string {
  const { registry } = desk.known.get();
  const [kind, nodes] = [typeOf(registry, type), nodesOf(desk.editor.doc)];
  if (kind.single && nodes.some((node) => node.type === type)) return say("add.single", { name: kind.label });
  return nodes.length >= registry.limits.nodes ? say("add.full", { n: registry.limits.nodes }) : "";
}

/** Where a step that is added from the palette goes on from: the selected one, when a way out of it is free. */
function after(desk: Desk): { node: string; when: string } | undefined {
  const { doc, selected } = desk.editor.state;
  const [id, ...more] = selected;
  const node = id !== undefined && more.length === 0 ? nodeOf(doc, id) : undefined;
  if (!node) return undefined;
  const used = new Set(edgesOf(doc).filter((edge) => edge.source === node.id).map((edge) => edge.when ?? ""));
  const port = portsOf(node, desk.known.get()).find((one) => !used.has(one.id));
  return port && { node: node.id, when: port.id };
}

const beside = (doc: Doc, id: string): Point => {
  const [x, y] = doc.layout.positions?.[id] ?? [0, 0];
  return [x + CARD.width + 84, y];
};

function middle(desk: Desk): Point {
  const frame = desk.box.querySelector(".react-flow")?.getBoundingClientRect();
  const at = frame && desk.rf.current?.screenToFlowPosition({ x: frame.x + frame.width / 2, y: frame.y + frame.height / 2 });
  return at ? [at.x - CARD.width / 2, at.y - CARD.height / 2] : [0, 0];
}

/** The edge drawn, and inputs filled that have just one thing to take. */
export function joined(desk: Desk, doc: Doc, edge: GraphEdge): Doc {
  const [source, target] = [nodeOf(doc, edge.source), nodeOf(doc, edge.target)];
  if (!source || !target) return doc;
  const given = fillable(source, target, desk.known.get());
  const next = connect(doc, edge);
  return Object.keys(given).length === 0 ? next : setNode(next, target.id, { inputs: { ...target.inputs, ...given } });
}

function between(desk: Desk, doc: Doc, id: string, node: string): Doc {
  const edge = edgesOf(doc).find((one) => edgeId(one) === id);
  if (!edge) return doc;
  const first = joined(desk, removeEdges(doc, new Set([id])), { ...edge, target: node });
  const made = nodeOf(first, node);
  const out = made && portsOf(made, desk.known.get())[0];
  return out ? connect(first, { source: node, target: edge.target, when: out.id }) : first;
}

/** Draws an edge, or says why it cannot be. */
export function join(desk: Desk, edge: { source: string; target: string; when: string }): boolean {
  if (desk.readOnly) return false;
  const why = refusal(desk.editor.doc, edge);
  if (why) {
    tell(desk, sayRefusal(why));
    return false;
  }
  const before = desk.editor.doc;
  desk.editor.change((doc) => joined(desk, doc, edge));
  const filled = nodeOf(desk.editor.doc, edge.target)?.inputs !== nodeOf(before, edge.target)?.inputs;
  tell(desk, say(filled ? "join.filled" : "join.done", { from: edge.source, to: edge.target }));
  return true;
}

/** Takes away what is selected, or the given boxes and edges. */
export function remove(desk: Desk, boxes = desk.editor.state.selected, edges = desk.editor.state.edges): void {
  if (desk.readOnly || boxes.size + edges.size === 0) return;
  const groups = new Set([...boxes].filter((id) => id.startsWith("group:")).map(idIn));
  const notes = new Set([...boxes].filter((id) => id.startsWith("note:")).map(idIn));
  desk.editor.change((doc) => {
    const less = removeNodes(removeEdges(doc, edges), boxes);
    return groups.size + notes.size === 0 ? less : withLayout(less, {
      groups: groupsOf(less).filter((group) => !groups.has(group.id)), notes: notesOf(less).filter((note) => !notes.has(note.id)),
    });
  });
  desk.editor.select([]);
  tell(desk, say("remove.done", { n: boxes.size + edges.size }));
}

const SHELF = "paiban.flow.clip";

export function copy(desk: Desk): Clip | null {
  const clip = copyOf(desk.editor.doc, desk.editor.state.selected, singles(desk));
  if (clip.nodes.length === 0) return null;
  const text = JSON.stringify(clip);
  // Kept here too: a browser may refuse to read its clipboard, and another pipeline's page wants to paste as well.
  try {
    localStorage.setItem(SHELF, text);
  } catch {
    // Full or forbidden: the clipboard then is the only place.
  }
  void copyText(text);
  tell(desk, say("copy.done", { n: clip.nodes.length }));
  return clip;
}

export function cut(desk: Desk): void {
  if (copy(desk)) remove(desk);
}

export function pasteFrom(desk: Desk, text: string | null, at?: Point): void {
  const clip = readClip(text ?? "") ?? readClip(localStorage.getItem(SHELF) ?? "");
  if (desk.readOnly || !clip || clip.nodes.length === 0) return;
  insert(desk, clip, at);
  tell(desk, say("paste.done", { n: clip.nodes.length }));
}

export function duplicate(desk: Desk): void {
  const clip = copyOf(desk.editor.doc, desk.editor.state.selected, singles(desk));
  if (!desk.readOnly && clip.nodes.length > 0) insert(desk, clip);
}

function insert(desk: Desk, clip: Clip, at?: Point): void {
  const places = Object.values(clip.positions);
  const corner: Point = [Math.min(...places.map(([x]) => x)), Math.min(...places.map(([, y]) => y))];
  const shift: Point = at ? [at[0] - corner[0], at[1] - corner[1]] : [32, 48];
  const pasted = paste(desk.editor.doc, clip, shift);
  desk.editor.change(() => pasted.doc);
  desk.editor.select(pasted.ids);
}

/** Puts everything, or what is selected where that is several, in order. */
export function arrange(desk: Desk): void {
  if (desk.readOnly) return;
  const { doc, selected } = desk.editor.state;
  const only = [...selected].filter((id) => nodeOf(doc, id)).length > 1 ? selected : undefined;
  desk.editor.change((now) => moveNodes(now, arranged(now, sizeOf(desk), only)));
  if (!only) requestAnimationFrame(() => fit(desk));
  tell(desk, say("arrange.done"));
}

export const fit = (desk: Desk, nodes?: string[]): void =>
  void desk.rf.current?.fitView({ padding: { top: "32px", bottom: "32px", left: "40px", right: desk.box.querySelector(".fe-side") ? "430px" : "40px" }, maxZoom: 1.1, duration: calm() ? 0 : 240, ...(nodes ? { nodes: nodes.map((id) => ({ id })) } : {}) });

const LEGIBLE = 0.62;

/** All of the flow where it can be read at that size; of a large one, its beginning. */
export function firstLook(desk: Desk): void {
  const places = Object.values(desk.editor.doc.layout.positions ?? {});
  const frame = desk.box.querySelector(".fe-canvas")?.getBoundingClientRect();
  if (!frame || places.length === 0) return;
  const [left, right] = [Math.min(...places.map(([x]) => x)), Math.max(...places.map(([x]) => x)) + CARD.width];
  const [top, bottom] = [Math.min(...places.map(([, y]) => y)), Math.max(...places.map(([, y]) => y)) + CARD.height];
  const whole = Math.min((frame.width - 80) / (right - left), (frame.height - 120) / (bottom - top), 1);
  const zoom = whole >= LEGIBLE ? whole : 0.8;
  const middle = (room: number, size: number) => Math.max(40, (room - size * zoom) / 2);
  void desk.rf.current?.setViewport({ x: middle(frame.width, right - left) - left * zoom, y: middle(frame.height, bottom - top) - top * zoom, zoom });
}

export const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Brings a step into sight, selects it and opens its settings; `field` is what to stand at there. */
export function jumpTo(desk: Desk, id: string, field = ""): void {
  const node = nodeOf(desk.editor.doc, id);
  if (!node) return;
  const group = groupWith(desk.editor.doc, id);
  if (group?.collapsed) fold(desk, group.id, false);
  desk.editor.select([id]);
  look(desk, { side: desk.view.get().side === "test" && !field ? "test" : "step" });
  centreOn(desk, id);
  if (field) setTimeout(() => focusField(desk, field), 80);
}

/** In the middle of what the drawer leaves free. */
function centreOn(desk: Desk, id: string): void {
  const [x, y] = placeOf(desk.editor.doc, id);
  const size = sizeOf(desk)(id);
  const zoom = Math.max(desk.rf.current?.getZoom() ?? 1, 0.75);
  void desk.rf.current?.setCenter(x + size.width / 2 + 180 / zoom, y + size.height / 2, { zoom, duration: calm() ? 0 : 240 });
}

/** Moves the canvas when the drawer stands over the step in hand. */
export function reveal(desk: Desk, id: string): void {
  const rf = desk.rf.current;
  const [step, side] = [`[data-step="${CSS.escape(id)}"]`, ".fe-side"].map((one) => desk.box.querySelector(one)?.getBoundingClientRect());
  if (!rf || !step || !side || side.width > window.innerWidth * 0.7) return;
  const hidden = step.right + 24 - side.left;
  const view = rf.getViewport();
  if (hidden > 0) void rf.setViewport({ ...view, x: view.x - hidden }, { duration: calm() ? 0 : 200 });
}

function focusField(desk: Desk, field: string): void {
  const [part, name] = field.split(".");
  const exact = name && desk.box.querySelector<HTMLElement>(`[data-field="${CSS.escape(`${part}.${name}`)}"] :is(input, textarea, select, button)`);
  const found = exact || desk.box.querySelector<HTMLElement>(`[data-part="config"] #root_${CSS.escape(name ?? "")}, [data-part="${CSS.escape(part ?? "")}"] :is(input, textarea, select)`);
  found?.scrollIntoView({ block: "center" });
  found?.focus();
}

export function selectAll(desk: Desk): void {
  desk.editor.select(nodesOf(desk.editor.doc).map((node) => node.id));
}

export function nudge(desk: Desk, dx: number, dy: number): void {
  const { doc, selected } = desk.editor.state;
  if (desk.readOnly || selected.size === 0) return;
  desk.editor.change((now) => movedBoxes(now, selected, (id) => {
    const [x, y] = placeOf(doc, id);
    return [x + dx, y + dy];
  }), "nudge");
}

export const placeOf = (doc: Doc, box: string): Point => {
  if (box.startsWith("note:")) return notesOf(doc).find((note) => noteBox(note.id) === box)?.at ?? [0, 0];
  return doc.layout.positions?.[box] ?? [0, 0];
};

/** Boxes at new places; a group takes its steps along. */
export function movedBoxes(doc: Doc, boxes: Iterable<string>, to: (box: string) => Point): Doc {
  const moved: Record<string, Point> = {};
  let notes = notesOf(doc);
  for (const box of boxes) {
    if (box.startsWith("note:")) notes = notes.map((note) => (noteBox(note.id) === box ? { ...note, at: to(box).map(Math.round) as Point } : note));
    else if (!box.startsWith("group:")) moved[box] = to(box);
  }
  return withLayout(moveNodes(doc, moved), notes === doc.layout.notes || notes.length === 0 ? {} : { notes });
}

export function group(desk: Desk): void {
  const { doc, selected } = desk.editor.state;
  const nodes = [...selected].filter((id) => nodeOf(doc, id));
  if (desk.readOnly || nodes.length === 0) return;
  const id = freeId(new Set(groupsOf(doc).map((one) => one.id)), "group");
  desk.editor.change((now) => {
    const others = groupsOf(now).map((one) => ({ ...one, nodes: one.nodes.filter((node) => !nodes.includes(node)) })).filter((one) => one.nodes.length > 0);
    return withLayout(now, { groups: [...others, { id, title: say("group.new"), colour: "cyan", nodes, collapsed: false }] });
  });
  desk.editor.select([groupBox(id)]);
  tell(desk, say("group.done", { n: nodes.length }));
}

export function ungroup(desk: Desk, id: string): void {
  if (!desk.readOnly) desk.editor.change((doc) => withLayout(doc, { groups: groupsOf(doc).filter((one) => one.id !== id) }));
}

export function fold(desk: Desk, id: string, collapsed: boolean): void {
  desk.editor.change((doc) => withLayout(doc, { groups: groupsOf(doc).map((one) => (one.id === id ? { ...one, collapsed } : one)) }));
}

export function addNote(desk: Desk, at: Point): void {
  if (desk.readOnly) return;
  const id = freeId(new Set(notesOf(desk.editor.doc).map((note) => note.id)), "note");
  desk.editor.change((doc) => withLayout(doc, { notes: [...notesOf(doc), { id, text: "", at }] }));
  desk.editor.select([noteBox(id)]);
}

/** Copies of what a person sees of the document; the one way that the text of it gets back in. */
export const asText = (desk: Desk): string => JSON.stringify(desk.editor.doc.graph, null, 2);
