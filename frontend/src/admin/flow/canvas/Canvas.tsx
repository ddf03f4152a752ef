import { Background, BackgroundVariant, MiniMap, ReactFlow, ViewportPortal, type Connection, type EdgeChange, type FinalConnectionState, type Handle as InternalHandle, type NodeChange, type ReactFlowProps } from "@xyflow/react";
import { useMemo, useState } from "react";
import { useStore } from "../../../ui/store";
import { reveal } from "../actions";
import { look, useDesk, usePart, type Desk, type Menu } from "../desk";
import { nodeOf } from "../state/doc";
import { bind, join, refusalOf, sayRefusal, settle, tell, wayOf } from "./linking";
import { steer } from "./dragging";
import { StepEdge, ValueEdge } from "./edges";
import { idIn, type Box, type Line } from "./model";
import { GhostNode, GroupNode, NoteNode } from "./OtherNodes";
import { StepNode } from "./StepNode";
import type { Point } from "../types";
import { say } from "../words";

const NODE_TYPES = { step: StepNode, group: GroupNode, note: NoteNode, ghost: GhostNode };
const EDGE_TYPES = { step: StepEdge, value: ValueEdge };
const ATTRIBUTION = { hideAttribution: true };

/** The flow as boxes and lines: everything that is done with a pointer. */
export function Canvas() {
  const desk = useDesk();
  const { nodes, edges } = useStore(desk.canvas.store);
  const full = usePart(desk.view, (view) => view.full);
  const [active, setActive] = useState(false);
  const free = !desk.readOnly;
  const handlers = useMemo(() => handlersOf(desk), [desk]);
  return (
    <div className="fe-canvas" onFocus={() => setActive(true)} onBlur={() => setActive(false)}>
      <ReactFlow<Box, Line>
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        aria-label={say(free ? "canvas.label" : "canvas.labelRead")}
        {...handlers}
        nodesDraggable={free}
        nodesConnectable={free}
        nodesFocusable={false}
        edgesFocusable={false}
        deleteKeyCode={null}
        disableKeyboardA11y
        selectNodesOnDrag={false}
        elevateNodesOnSelect={false}
        panOnScroll={active || full}
        zoomOnScroll={false}
        preventScrolling={active || full}
        zoomOnDoubleClick={false}
        minZoom={0.08}
        maxZoom={2}
        proOptions={ATTRIBUTION}
      >
        <Background variant={BackgroundVariant.Dots} gap={20} size={1.2} />
        <GuideLines />
        <MiniMap<Box> pannable zoomable position="bottom-left" ariaLabel={say("canvas.map")} nodeClassName={miniClass} className="fe-minimap" />
      </ReactFlow>
    </div>
  );
}

type Handlers = Pick<ReactFlowProps<Box, Line>,
  | "onInit" | "onNodesChange" | "onEdgesChange" | "onNodeDragStop" | "onSelectionDragStop" | "isValidConnection" | "onConnect" | "onConnectEnd"
  | "onNodeDoubleClick" | "onNodeClick" | "onPaneClick" | "onNodeContextMenu" | "onEdgeContextMenu" | "onPaneContextMenu" | "onSelectionContextMenu">;

/** Made once: with handlers that are new at each frame of a drag, the library would draw every box anew. */
function handlersOf(desk: Desk): Handlers {
  return {
    onInit: desk.setRf,
    onNodesChange: (changes) => changed(desk, changes),
    onEdgesChange: (changes) => picked(desk, changes),
    onNodeDragStop: () => settle(desk),
    onSelectionDragStop: () => settle(desk),
    isValidConnection: (connection) => refusalOf(desk, connection as Connection) === null,
    onConnect: (connection) => linked(desk, connection),
    onConnectEnd: (event, state) => ended(desk, event, state as unknown as FinalConnectionState),
    onNodeDoubleClick: (_event, box) => open(desk, box.id),
    onNodeClick: (event, box) => clicked(desk, box, event.shiftKey || event.ctrlKey || event.metaKey),
    onPaneClick: () => look(desk, { menu: null, adding: null, side: desk.view.get().side === "step" ? null : desk.view.get().side }),
    onNodeContextMenu: (event, box) => menu(desk, event, { kind: kindOf(box), id: kindOf(box) === "step" ? box.id : idIn(box.id) }, box.id),
    onEdgeContextMenu: (event, edge) => menu(desk, event, { kind: "edge", id: edge.id }),
    onPaneContextMenu: (event) => menu(desk, event, { kind: "pane" }),
    onSelectionContextMenu: (event, boxes) => boxes[0] && menu(desk, event, { kind: "step", id: boxes[0].id }),
  };
}

const miniClass = (box: Box) => `fe-mini fe-mini--${box.type}`;

const kindOf = (box: Box): "step" | "group" | "note" => (box.type === "group" || box.type === "note" ? box.type : "step");

/** Places go to the picture at once, aligned; the document hears of them when the drag is over. */
function changed(desk: Desk, changes: NodeChange<Box>[]): void {
  const chosen = changes.filter((change) => change.type === "select");
  if (chosen.length > 0) desk.editor.select(flipped(desk.editor.state.selected, chosen), desk.editor.state.edges);
  desk.canvas.apply(steer(desk, changes));
}

function picked(desk: Desk, changes: EdgeChange<Line>[]): void {
  const chosen = changes.filter((change) => change.type === "select");
  if (chosen.length > 0) desk.editor.select(desk.editor.state.selected, flipped(desk.editor.state.edges, chosen));
}

/** A step that is pressed opens its settings; while a test run is looked at, its result there. */
function clicked(desk: Desk, box: Box, more: boolean): void {
  if (more || !nodeOf(desk.editor.doc, box.id)) return;
  desk.editor.select([box.id]);
  look(desk, { side: desk.view.get().side === "test" ? "test" : "step" });
  requestAnimationFrame(() => reveal(desk, box.id));
}

function flipped(old: ReadonlySet<string>, changes: { id: string; selected: boolean }[]): Set<string> {
  const next = new Set(old);
  for (const { id, selected } of changes) if (selected) next.add(id);
  else next.delete(id);
  return next;
}

function linked(desk: Desk, connection: Connection): void {
  if (connection.sourceHandle?.startsWith("out:")) bind(desk, connection);
  else join(desk, { source: connection.source, target: connection.target, when: wayOf(connection.sourceHandle) });
}

/** A line that was let go over nothing asks what to put there; over the wrong thing, it says why not. */
function ended(desk: Desk, event: MouseEvent | TouchEvent, state: FinalConnectionState): void {
  const { fromHandle, toHandle, toNode, isValid } = state;
  if (isValid || !fromHandle || desk.readOnly) return;
  if (toHandle) return sayWhyNot(desk, fromHandle, toHandle);
  if (toNode || !fromHandle.id?.startsWith("way:")) return;
  const point = "clientX" in event ? event : event.changedTouches[0];
  if (point) ask(desk, [point.clientX, point.clientY], { node: fromHandle.nodeId, when: wayOf(fromHandle.id) });
}

function sayWhyNot(desk: Desk, one: InternalHandle, other: InternalHandle): void {
  const [from, to] = one.type === "source" ? [one, other] : [other, one];
  const why = refusalOf(desk, { source: from.nodeId, sourceHandle: from.id ?? null, target: to.nodeId, targetHandle: to.id ?? null });
  if (why) tell(desk, sayRefusal(why));
}

function ask(desk: Desk, screen: Point, from: { node: string; when: string }): void {
  const at = desk.rf.current?.screenToFlowPosition({ x: screen[0], y: screen[1] });
  if (at) look(desk, { adding: { at: [at.x, at.y - 32], screen, from } });
}

function open(desk: Desk, id: string): void {
  const node = nodeOf(desk.editor.doc, id);
  if (!node) return;
  if (typeof node.config?.pipeline === "string" && node.config.pipeline) void desk.enter(node.config.pipeline);
  else look(desk, { side: "step" });
}

function menu(desk: Desk, event: { preventDefault: () => void; clientX: number; clientY: number } | React.MouseEvent | MouseEvent, on: Menu["on"], box?: string): void {
  event.preventDefault();
  if (box && !desk.editor.state.selected.has(box)) desk.editor.select([box]);
  if (on.kind === "edge") desk.editor.select([], [on.id]);
  const at = desk.rf.current?.screenToFlowPosition({ x: event.clientX, y: event.clientY }) ?? { x: 0, y: 0 };
  look(desk, { menu: { screen: [event.clientX, event.clientY], at: [at.x, at.y], on }, adding: null });
}

/** Where the box in hand stands level with others. */
function GuideLines() {
  const desk = useDesk();
  const { vertical, horizontal } = useStore(desk.guides);
  if (!vertical && !horizontal) return null;
  return (
    <ViewportPortal>
      {vertical && <div className="fe-guide" style={{ transform: `translate(${vertical.x}px, ${vertical.from}px)`, width: 1, height: vertical.to - vertical.from }} />}
      {horizontal && <div className="fe-guide" style={{ transform: `translate(${horizontal.from}px, ${horizontal.y}px)`, height: 1, width: horizontal.to - horizontal.from }} />}
    </ViewportPortal>
  );
}
