import { applyNodeChanges, type Edge, type Node, type NodeChange, type XYPosition } from "@xyflow/react";
import { createStore, type Store } from "../../../ui/store";
import type { GraphDiff, Group, Point } from "../types";
import { edgeId, edgesOf, groupsOf, nodesOf, notesOf, type Doc } from "../state/doc";
import type { Editor } from "../state/editor";
import { CARD } from "../state/arrange";
import { bindings } from "../state/scope";
import { boundsOf } from "./bounds";

export type Data = Record<string, unknown>;
export type Box = Node<Data, "step" | "group" | "note" | "ghost">;
export type Line = Edge<Data>;

export interface Picture {
  nodes: Box[];
  edges: Line[];
}

export const groupBox = (id: string) => `group:${id}`;
export const noteBox = (id: string) => `note:${id}`;
export const idIn = (box: string) => box.replace(/^(group|note|ghost):/, "");
export const wayHandle = (when: string) => `way:${when}`;

interface Shown {
  /** Whether the values that pass between steps are drawn. */
  values: boolean;
  diff: GraphDiff | null;
  /** Places of what was removed since the version compared with. */
  ghosts: Record<string, Point>;
}

/**
 * The picture of the document as the canvas library wants it. Boxes that did not change stay the same objects: with
 * hundreds of them, that is the difference between smooth and not.
 */
export class CanvasModel {
  readonly store: Store<Picture> = createStore<Picture>({ nodes: [], edges: [] });
  private shown: Shown = { values: false, diff: null, ghosts: {} };
  private doc: Doc | null = null;

  constructor(private readonly editor: Editor) {
    editor.subscribe(() => this.sync());
    this.sync();
  }

  show(shown: Partial<Shown>): void {
    this.shown = { ...this.shown, ...shown };
    this.doc = null;
    this.sync();
  }

  /** Moves, sizes and removals that the library reports. Selection is the editor's. */
  apply(changes: NodeChange<Box>[]): void {
    const own = changes.filter((change) => change.type === "position" || change.type === "dimensions");
    if (own.length === 0) return;
    const { nodes, edges } = this.store.get();
    this.store.set({ nodes: applyNodeChanges(own, nodes), edges });
  }

  /** Places of boxes during a drag, past the document. */
  move(places: ReadonlyMap<string, XYPosition>): void {
    const { nodes, edges } = this.store.get();
    this.store.set({ nodes: nodes.map((node) => (places.has(node.id) ? { ...node, position: places.get(node.id) ?? node.position } : node)), edges });
  }

  sync(): void {
    const { doc, selected, edges } = this.editor.state;
    const old = this.store.get();
    const before = new Map(old.nodes.map((node) => [node.id, node]));
    const nodes = this.boxes(doc, selected).map((node) => kept(before.get(node.id), node));
    const lines = doc === this.doc ? reselected(old.edges, edges) : this.lines(doc, edges, new Map(old.edges.map((edge) => [edge.id, edge])));
    this.doc = doc;
    this.store.set({ nodes, edges: lines });
  }

  private boxes(doc: Doc, selected: ReadonlySet<string>): Box[] {
    const hidden = hiddenIn(groupsOf(doc));
    const sizes = new Map(this.store.get().nodes.map((node) => [node.id, node.measured]));
    const place = (id: string) => toXY(doc.layout.positions?.[id] ?? [0, 0]);
    const groups = groupsOf(doc).map((group): Box => {
      const bounds = boundsOf(group, doc, sizes);
      const box = group.collapsed ? {} : { style: { width: bounds.width, height: bounds.height } };
      return { id: groupBox(group.id), type: "group", position: { x: bounds.x, y: bounds.y }, data: {}, zIndex: group.collapsed ? 1 : -1, selected: selected.has(groupBox(group.id)), ...box };
    });
    const steps = nodesOf(doc).map((node): Box =>
      ({ id: node.id, type: "step", position: place(node.id), initialWidth: CARD.width, initialHeight: CARD.height, data: {}, selected: selected.has(node.id), hidden: hidden.has(node.id) }));
    const notes = notesOf(doc).map((note): Box => ({ id: noteBox(note.id), type: "note", position: toXY(note.at), data: {}, selected: selected.has(noteBox(note.id)), zIndex: -2 }));
    const ghosts = Object.entries(this.shown.ghosts).map(([id, at]): Box =>
      ({ id: `ghost:${id}`, type: "ghost", position: toXY(at), data: {}, selectable: false, draggable: false, connectable: false }));
    return [...groups, ...notes, ...ghosts, ...steps];
  }

  private lines(doc: Doc, selected: ReadonlySet<string>, before: ReadonlyMap<string, Line>): Line[] {
    const collapsed = collapsedInto(groupsOf(doc));
    const control = edgesOf(doc).map((edge): Line => {
      const [source, target] = [collapsed.get(edge.source) ?? edge.source, collapsed.get(edge.target) ?? edge.target];
      const id = edgeId(edge);
      const outer = { sourceHandle: collapsed.has(edge.source) ? "out" : wayHandle(edge.when ?? ""), targetHandle: "in" };
      return { id, type: "step", source, target, ...outer, data: { change: this.changeOf(id), hidden: source === target }, hidden: source === target, selected: selected.has(id) };
    });
    const gone = this.removedLines();
    return [...control, ...gone, ...(this.shown.values ? valueLines(doc, collapsed) : [])].map((line) => keptLine(before.get(line.id), line));
  }

  private changeOf(id: string): string | undefined {
    return this.shown.diff?.edges.find((one) => one.change === "added" && edgeId(one.edge) === id)?.change;
  }

  private removedLines(): Line[] {
    const ghost = (id: string) => (id in this.shown.ghosts ? `ghost:${id}` : id);
    const gone = this.shown.diff?.edges.filter((one) => one.change === "removed") ?? [];
    return gone.map(({ edge }) => ({
      id: `gone:${edgeId(edge)}`, type: "step", source: ghost(edge.source), target: ghost(edge.target), selectable: false, data: { change: "removed" },
      sourceHandle: edge.source in this.shown.ghosts ? "out" : wayHandle(edge.when ?? ""), targetHandle: "in",
    }));
  }
}

const toXY = ([x, y]: Point): XYPosition => ({ x, y });

/** The old box where nothing about it changed; its measured size always stays. */
function kept(old: Box | undefined, next: Box): Box {
  if (!old) return next;
  return look(old).every((value, index) => value === look(next)[index]) ? old : { ...next, measured: next.style ? undefined : old.measured };
}

const look = (box: Box) => [box.position.x, box.position.y, Boolean(box.selected), Boolean(box.hidden), box.zIndex, box.style?.width, box.style?.height];

function keptLine(old: Line | undefined, next: Line): Line {
  const same = old && old.source === next.source && old.target === next.target && old.selected === next.selected && old.data?.change === next.data?.change && old.hidden === next.hidden;
  return same ? old : next;
}

function reselected(lines: Line[], selected: ReadonlySet<string>): Line[] {
  if (lines.every((line) => Boolean(line.selected) === selected.has(line.id))) return lines;
  return lines.map((line) => (Boolean(line.selected) === selected.has(line.id) ? line : { ...line, selected: selected.has(line.id) }));
}

const hiddenIn = (groups: Group[]) => new Set(groups.filter((group) => group.collapsed).flatMap((group) => group.nodes));
const collapsedInto = (groups: Group[]) =>
  new Map(groups.filter((group) => group.collapsed).flatMap((group) => group.nodes.map((id) => [id, groupBox(group.id)] as const)));

function valueLines(doc: Doc, collapsed: ReadonlyMap<string, string>): Line[] {
  const known = new Set(nodesOf(doc).map((node) => node.id));
  return nodesOf(doc).flatMap((node) => bindings(node)
    .filter((one) => known.has(one.node) && !collapsed.has(one.node) && !collapsed.has(node.id))
    .map((one): Line => ({
      id: `value:${one.node}.${one.field}>${node.id}.${one.input}`, type: "value", source: one.node, sourceHandle: `out:${one.field}`, target: node.id, targetHandle: `in:${one.input}`, data: {}, selectable: false, focusable: false,
    })));
}
