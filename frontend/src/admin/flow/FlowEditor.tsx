import { ReactFlowProvider } from "@xyflow/react";
import { useEffect, type DragEvent, type KeyboardEvent } from "react";
import { Notice } from "../../ui/Notice";
import { IconButton } from "../../ui/Button";
import { useStore } from "../../ui/store";
import { add } from "./actions";
import { Canvas } from "./canvas/Canvas";
import { DeskContext, useDesk, usePart, type Desk } from "./desk";
import { MergeDialog } from "./draft/MergeDialog";
import { onClipboard, onKey } from "./keys";
import { keepChecking } from "./panes/checker";
import { Breadcrumbs, useInner } from "./parts/Inside";
import { ContextMenu } from "./parts/ContextMenu";
import { DRAGGED, Palette, QuickAdd } from "./parts/AddMenu";
import { Dialogs } from "./parts/Dialogs";
import { ProblemBar } from "./parts/ProblemBar";
import { SidePanel } from "./parts/SidePanel";
import { Toolbar } from "./parts/Toolbar";
import { say } from "./words";

/** The editor as a whole. */
export function FlowEditor({ desk }: { desk: Desk }) {
  useEffect(() => keepChecking(desk), [desk]);
  useEffect(() => watchClipboard(desk), [desk]);
  return (
    <DeskContext value={desk}>
      <Whole />
    </DeskContext>
  );
}

function Whole() {
  const desk = useDesk();
  const inner = useInner();
  return (
    <div className="fe" data-read-only={desk.readOnly || undefined}>
      <Toolbar />
      <Breadcrumbs />
      <TakenIn />
      {/* A desk of its own for each pipeline that is looked into: the canvas of the one below keeps its place. */}
      <DeskContext value={inner ?? desk}>
        <ReactFlowProvider key={inner?.source.key ?? ""}><Stage /></ReactFlowProvider>
        <Dialogs />
        <QuickAdd />
        <ContextMenu />
      </DeskContext>
      <ProblemBar />
      <MergeDialog />
      <Said />
    </div>
  );
}

function Stage() {
  const desk = useDesk();
  const empty = usePart(desk.editor.store, (state) => (state.doc.graph.nodes ?? []).length === 0);
  const key = (event: KeyboardEvent<HTMLElement>) => {
    const target = event.target as HTMLElement;
    onKey(desk, event, /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || (target.tagName === "BUTTON" && /^(Enter| )$/.test(event.key)));
  };
  return (
    <div className="fe-stage" tabIndex={0} role="group" aria-label={say("stage.label")} onKeyDown={key} onDragOver={allow} onDrop={(event) => drop(desk, event)}>
      <Canvas />
      <Palette />
      {empty && <div className="fe-blank"><strong>{say("blank.title")}</strong><p>{say(desk.readOnly ? "blank.read" : "blank.hint")}</p></div>}
      <SidePanel />
    </div>
  );
}

function allow(event: DragEvent): void {
  if (!event.dataTransfer.types.includes(DRAGGED)) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "copy";
}

function drop(desk: Desk, event: DragEvent): void {
  const type = event.dataTransfer.getData(DRAGGED);
  const at = type && desk.rf.current?.screenToFlowPosition({ x: event.clientX, y: event.clientY });
  if (!at) return;
  event.preventDefault();
  add(desk, type, { at: [at.x - 112, at.y - 32] });
}

/** Copy and paste where the keyboard is on the canvas; in a field they are the field's. */
function watchClipboard(desk: Desk): () => void {
  const act = (event: ClipboardEvent) => {
    const target = event.composedPath()[0];
    const inCanvas = event.composedPath().includes(desk.box) && target instanceof Element && target.closest(".fe-stage") && !target.closest(".fe-side, .fe-palette, input, textarea");
    if (inCanvas && desk.view.get().inside.length === 0 && (window.getSelection()?.toString() ?? "") === "") onClipboard(desk, event);
  };
  const names = ["copy", "cut", "paste"] as const;
  for (const name of names) document.addEventListener(name, act);
  return () => names.forEach((name) => document.removeEventListener(name, act));
}

/** What others did meanwhile and was taken in. */
function TakenIn() {
  const desk = useDesk();
  const by = usePart(desk.saver.store, (saving) => saving.takenIn);
  if (by === null) return null;
  return <Notice icon="user" action={<IconButton icon="close" label={say("dialog.close")} onClick={() => desk.saver.thank()} />}>{say("merge.takenIn", { by: by || say("versions.nobody") })}</Notice>;
}

function Said() {
  const desk = useDesk();
  const text = useStore(desk.said);
  useEffect(() => {
    if (!text) return;
    const timer = setTimeout(() => desk.said.set(""), 3_500);
    return () => clearTimeout(timer);
  }, [desk, text]);
  return text ? <div className="fe-said" aria-hidden="true">{text}</div> : null;
}

