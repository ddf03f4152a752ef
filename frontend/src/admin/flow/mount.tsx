import base from "@xyflow/react/dist/base.css?inline";
import { createRoot } from "react-dom/client";
import { createStore } from "../../ui/store";
import { isolate } from "../isolate";
import { askAdmin, TokenKeeper } from "../prompt/token";
import { readSource } from "../source";
import { firstLook, tell } from "./actions";
import { FlowApi, isAbsent } from "./api";
import { CanvasModel } from "./canvas/model";
import { DeskContext, FIRST_VIEW, look, newGuides, UNCHECKED, type Desk } from "./desk";
import { FormField } from "./draft/field";
import { Saver } from "./draft/saver";
import css from "./flow.css?inline";
import { FlowEditor } from "./FlowEditor";
import { fit } from "./actions";
import type { Compared } from "./panes/compare";
import { TestPane } from "./panes/TestPane";
import { NO_SHELF } from "./panes/shelf";
import { NO_TRIAL } from "./panes/trial";
import { placed } from "./state/arrange";
import { Editor } from "./state/editor";
import { fallbackRegistry } from "./state/fallback";
import { readDoc } from "./state/reading";
import type { Knowledge } from "./state/registry";
import type { FlowSource, FlowUrls } from "./types";
import { say } from "./words";

/**
 * Puts the editor over the form's field. Raises, with the page as it was, when there is nothing to edit, or when what
 * the field holds cannot be drawn whole: drawing it would lose something.
 */
export async function mountFlowEditor(host: HTMLElement): Promise<void> {
  const source = sourceOf(host);
  const field = new FormField(source.fallback);
  const written = field.read();
  const { doc, whole } = readDoc(written === undefined ? source.graph : written, source.layout);
  if (!whole) return refuse(host);
  const box = isolate(host);
  addSheets(host);
  const desk = newDesk(host, box, source, field, new Editor(placed(doc)));
  if (!source.readOnly) guard(desk, field);
  field.hide();
  host.hidden = false;
  createRoot(box).render(<FlowEditor desk={desk} />);
  await Promise.all([learn(desk), source.key ? desk.saver.open() : null]);
}

/** The test run alone, on a page that leads to a new feature: no canvas, and nothing is written to the draft. */
export async function mountTrial(host: HTMLElement): Promise<void> {
  const source = sourceOf(host);
  const { doc, whole } = readDoc(source.graph, source.layout);
  if (!whole) throw new Error("the pipeline cannot be read whole");
  const box = isolate(host);
  addSheets(host);
  const desk = newDesk(host, box, source, new FormField(""), new Editor(doc));
  createRoot(box).render(<DeskContext value={desk}><TestPane /></DeskContext>);
  await learn(desk);
}

const ROOT = "/api/v1/admin/pipelines";

/** Where the API is, for a page that does not say. */
function usualUrls(key: string): FlowUrls {
  const own = key ? `${ROOT}/${key}` : "";
  const below = (word: string) => own && `${own}/${word}`;
  return {
    draft: own, nodes: `${ROOT}/nodes`, parts: `${ROOT}/parts`, describe: `${ROOT}/describe`, validate: `${ROOT}/validate`, trials: "/api/v1/admin/trials",
    diff: below("diff"), history: below("history"), test: below("test"), pins: below("pins"), cases: below("cases"),
  };
}

/** What the page hands over; of a page that hands over less, what stands on the host itself. */
function sourceOf(host: HTMLElement): FlowSource {
  const given = readSource(host.dataset.source) as Partial<FlowSource> | null;
  const { key = "", tokenUrl = "", fallback = "id_graph", writable } = host.dataset;
  const bare: FlowSource = {
    id: null, key, readOnly: writable === undefined, canRun: writable !== undefined, canRunReal: false, revision: 0, graph: {}, layout: {}, feature: null,
    tokenUrl, urls: usualUrls(key), language: "en", fallback,
  };
  if (given?.urls) return { ...bare, ...given };
  return { ...bare, graph: (given ?? {}) as FlowSource["graph"] };
}

function refuse(host: HTMLElement): void {
  host.hidden = false;
  const odd = host.querySelector<HTMLElement>("[data-odd]");
  if (odd) odd.hidden = false;
}

function newDesk(host: HTMLElement, box: HTMLElement, source: FlowSource, field: FormField, editor: Editor): Desk {
  const api = new FlowApi(new TokenKeeper(() => askAdmin(source.tokenUrl)), source.urls);
  const kinds = (readSource("pipeline-kinds") ?? {}) as Record<string, string>;
  const desk: Desk = {
    source, api, editor, box,
    readOnly: source.readOnly || window.matchMedia("(max-width: 719px)").matches,
    canvas: new CanvasModel(editor),
    saver: new Saver(api, editor, field, source.readOnly),
    known: createStore<Knowledge>({ registry: fallbackRegistry(kinds), parts: null, described: null, feature: source.feature }),
    checked: createStore(UNCHECKED),
    trial: createStore(NO_TRIAL),
    shelf: createStore(NO_SHELF),
    compared: createStore<Compared | null>(null),
    view: createStore(FIRST_VIEW),
    guides: newGuides(),
    said: createStore(""),
    rf: { current: null },
    setRf: (rf) => {
      desk.rf.current = rf;
      firstLook(desk);
    },
    enter: (key) => enter(desk, key),
    setFull: (full) => setFull(desk, host, full),
  };
  return desk;
}

async function learn(desk: Desk): Promise<void> {
  const [registry, parts] = await Promise.all([desk.api.nodes().catch(() => null), desk.api.parts().catch(() => null)]);
  const known = desk.known.get();
  desk.known.set({ ...known, registry: registry ?? known.registry, parts: parts ?? known.parts });
}

async function enter(desk: Desk, key: string): Promise<void> {
  const { inside } = desk.view.get();
  try {
    const draft = await desk.api.other(key);
    look(desk, { inside: [...inside, { key, name: draft.name, graph: draft.graph, layout: draft.layout }], side: null, palette: false, menu: null });
  } catch (error) {
    tell(desk, say(isAbsent(error) ? "enter.absent" : "enter.failed", { key }));
  }
}

function setFull(desk: Desk, host: HTMLElement, full: boolean): void {
  host.toggleAttribute("data-full", full);
  document.documentElement.style.overflow = full ? "hidden" : "";
  look(desk, { full });
  requestAnimationFrame(() => fit(desk));
}

/** Asks before the page is left with something that nobody keeps. */
function guard(desk: Desk, field: FormField): void {
  const ask = (event: BeforeUnloadEvent) => {
    const { state } = desk.saver.state;
    const lost = state === "form" ? desk.saver.isDirty() : state !== "saved";
    if (lost) event.preventDefault();
  };
  window.addEventListener("beforeunload", ask);
  field.form?.addEventListener("submit", (event) => {
    const { target, submitter } = event;
    const busy = desk.saver.rest();
    // The form says which revision it has seen; a save that is under way makes another one.
    if (busy) event.preventDefault();
    else window.removeEventListener("beforeunload", ask);
    void busy?.then(() => (target as HTMLFormElement).requestSubmit(submitter));
  });
}

function addSheets(host: HTMLElement): void {
  const sheets = [base, css].map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
  const root = host.shadowRoot;
  if (root) root.adoptedStyleSheets = [...root.adoptedStyleSheets, ...sheets];
}
