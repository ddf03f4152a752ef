import { arrange, calm, copy, cut, duplicate, fit, group, jumpTo, nudge, pasteFrom, remove, selectAll } from "./actions";
import { neighbour, type Direction } from "./canvas/walk";
import { look, type Desk } from "./desk";
import { nodeOf, nodesOf } from "./state/doc";

type Event = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey" | "preventDefault" | "stopPropagation">;

const ARROWS: Record<string, Direction> = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };
const STEP = 10;
const FAR = 50;

const WITH_CONTROL: Record<string, (desk: Desk, shift: boolean) => void> = {
  z: (desk, shift) => void (shift ? desk.editor.redo() : desk.editor.undo()),
  y: (desk) => void desk.editor.redo(),
  a: selectAll,
  d: duplicate,
  g: group,
  f: (desk) => look(desk, { dialog: "search" }),
  s: (desk) => void desk.saver.save(),
};

const PLAIN: Record<string, (desk: Desk) => void> = {
  "?": (desk) => look(desk, { dialog: "keys" }),
  "/": (desk) => look(desk, { dialog: "search" }),
  a: (desk) => look(desk, { palette: !desk.view.get().palette }),
  c: (desk) => chosen(desk) && !desk.readOnly && look(desk, { dialog: "connect" }),
  f: (desk) => fit(desk),
  l: arrange,
  v: (desk) => showValues(desk),
  "+": (desk) => void desk.rf.current?.zoomIn({ duration: calm() ? 0 : 120 }),
  "-": (desk) => void desk.rf.current?.zoomOut({ duration: calm() ? 0 : 120 }),
  Delete: (desk) => remove(desk),
  Backspace: (desk) => remove(desk),
  Enter: (desk) => void (chosen(desk) && focusInspector(desk)),
  Escape: (desk) => leave(desk),
};

/** What a key does on the canvas. Answers whether it did anything: the page then must not do something else with it. */
export function onKey(desk: Desk, event: Event, typing: boolean): boolean {
  const done = typing ? whileTyping(desk, event) : onCanvas(desk, event);
  if (done) {
    event.preventDefault();
    event.stopPropagation();
  }
  return done;
}

/** In a field, only what fields have no use for. */
function whileTyping(desk: Desk, event: Event): boolean {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") return run(() => void desk.saver.save());
  if (event.key === "Escape") return run(() => focusStep(desk));
  return false;
}

function onCanvas(desk: Desk, event: Event): boolean {
  const direction = ARROWS[event.key];
  if (direction) return arrow(desk, direction, event);
  if (event.ctrlKey || event.metaKey) {
    // Copy, cut and paste are the browser's own events: only they may touch its clipboard.
    const act = WITH_CONTROL[event.key.toLowerCase()];
    return act ? run(() => act(desk, event.shiftKey)) : false;
  }
  const act = event.altKey ? undefined : (PLAIN[event.key] ?? PLAIN[event.key.toLowerCase()]);
  return act ? run(() => act(desk)) : false;
}

const run = (act: () => void): true => {
  act();
  return true;
};

/** With Alt, or when nothing may be moved, arrows go from step to step; else they move what is selected. */
function arrow(desk: Desk, direction: Direction, event: Event): boolean {
  const id = chosen(desk)?.id;
  if (event.altKey || desk.readOnly || desk.editor.state.selected.size === 0) return run(() => goTo(desk, id ? neighbour(desk.editor.doc, id, direction) : first(desk)));
  const far = event.shiftKey ? FAR : STEP;
  const by = { left: [-far, 0], right: [far, 0], up: [0, -far], down: [0, far] }[direction] as [number, number];
  return run(() => nudge(desk, ...by));
}

const first = (desk: Desk) => (nodesOf(desk.editor.doc).find((node) => node.type === "start") ?? nodesOf(desk.editor.doc)[0])?.id ?? null;

function goTo(desk: Desk, id: string | null): void {
  if (!id) return;
  jumpTo(desk, id);
  setTimeout(() => focusStep(desk), 0);
}

export function chosen(desk: Desk) {
  const [id, ...more] = desk.editor.state.selected;
  return id !== undefined && more.length === 0 ? nodeOf(desk.editor.doc, id) : undefined;
}

/** The keyboard stands at the selected step, or else at the canvas. */
export function focusStep(desk: Desk): void {
  const id = chosen(desk)?.id;
  const step = id && desk.box.querySelector<HTMLElement>(`[data-step="${CSS.escape(id)}"]`);
  (step || desk.box.querySelector<HTMLElement>(".fe-stage"))?.focus();
}

function focusInspector(desk: Desk): void {
  look(desk, { side: "step" });
  setTimeout(() => desk.box.querySelector<HTMLElement>(".fe-side :is(input, textarea, select)")?.focus(), 0);
}

export function showValues(desk: Desk): void {
  const values = !desk.view.get().values;
  look(desk, { values });
  desk.canvas.show({ values });
}

/** One thing at a time: what is on top goes first. */
function leave(desk: Desk): void {
  const view = desk.view.get();
  if (view.menu || view.adding || view.dialog) return look(desk, { menu: null, adding: null, dialog: null });
  if (desk.editor.state.selected.size + desk.editor.state.edges.size > 0) {
    desk.editor.select([]);
    return look(desk, { side: view.side === "step" ? null : view.side });
  }
  if (view.inside.length > 0) return look(desk, { inside: view.inside.slice(0, -1) });
  if (view.palette) return look(desk, { palette: false });
  if (view.full) desk.setFull(false);
}

/** The browser's own clipboard events, for all that is not a field. */
export function onClipboard(desk: Desk, event: ClipboardEvent): void {
  if (event.type === "copy" && copy(desk)) event.preventDefault();
  if (event.type === "cut" && desk.editor.state.selected.size > 0) {
    cut(desk);
    event.preventDefault();
  }
  if (event.type === "paste") {
    pasteFrom(desk, event.clipboardData?.getData("text/plain") ?? null);
    event.preventDefault();
  }
}

