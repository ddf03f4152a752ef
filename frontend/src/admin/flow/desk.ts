import { createContext, useContext, useSyncExternalStore } from "react";
import { createStore, type Store } from "../../ui/store";
import type { FlowApi } from "./api";
import type { ReactFlowInstance } from "@xyflow/react";
import type { Box, CanvasModel, Line } from "./canvas/model";
import { NO_GUIDES, type Guides } from "./canvas/guides";
import type { Saver } from "./draft/saver";
import type { Compared } from "./panes/compare";
import type { Shelf } from "./panes/shelf";
import type { Trial } from "./panes/trial";
import { nodeOf } from "./state/doc";
import type { Editor } from "./state/editor";
import type { Knowledge } from "./state/registry";
import type { FlowSource, Graph, GraphNode, Point, Problem, Verdict } from "./types";

export type Side = "step" | "pipeline" | "test" | "versions";

/** What is open and how the canvas is looked at; no part of the document. */
export interface View {
  side: Side | null;
  palette: boolean;
  problems: boolean;
  values: boolean;
  full: boolean;
  /** A place that asks what to put there, and what to join it to. */
  adding: Adding | null;
  menu: Menu | null;
  dialog: "keys" | "search" | "connect" | "json" | null;
  /** Pipelines that were looked into, from the outside in. */
  inside: Inside[];
}

export interface Adding {
  at: Point;
  screen: Point;
  from?: { node: string; when: string };
  /** An edge to put the new step into. */
  edge?: string;
}

export interface Menu {
  screen: Point;
  at: Point;
  on: { kind: "step" | "edge" | "group" | "note"; id: string } | { kind: "pane" };
}

export interface Inside {
  key: string;
  name: string;
  graph: Graph;
  layout: object;
}

export interface Checked {
  state: "waiting" | "known" | "absent" | "failed";
  verdict: Verdict | null;
  byNode: ReadonlyMap<string, Problem[]>;
}

/** Everything that the parts of the editor share. */
export interface Desk {
  source: FlowSource;
  readOnly: boolean;
  api: FlowApi;
  editor: Editor;
  canvas: CanvasModel;
  saver: Saver;
  known: Store<Knowledge>;
  checked: Store<Checked>;
  trial: Store<Trial>;
  /** Pins and cases, once somebody looks at test runs. */
  shelf: Store<Shelf>;
  compared: Store<Compared | null>;
  view: Store<View>;
  guides: Store<Guides>;
  /** A sentence for the eye, gone after a while; readers hear it too. */
  said: Store<string>;
  box: HTMLElement;
  /** Looks into the pipeline that a step runs. */
  enter: (key: string) => Promise<void>;
  setFull: (full: boolean) => void;
  setRf: (rf: ReactFlowInstance<Box, Line>) => void;
  /** The canvas library's own handle, once it is drawn. */
  rf: { current: ReactFlowInstance<Box, Line> | null };
}

export const FIRST_VIEW: View = {
  side: null, palette: false, problems: false, values: false, full: false, adding: null, menu: null, dialog: null, inside: [],
};
export const UNCHECKED: Checked = { state: "waiting", verdict: null, byNode: new Map() };
export const newGuides = () => createStore<Guides>(NO_GUIDES);

export const DeskContext = createContext<Desk | null>(null);

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (!desk) throw new Error("outside the flow editor");
  return desk;
}

/** A part of a store; drawn anew only when that part is another one. */
export function usePart<T, P>(store: Store<T>, part: (value: T) => P): P {
  return useSyncExternalStore(store.subscribe, () => part(store.get()));
}

export function useNode(id: string): GraphNode | undefined {
  const { editor } = useDesk();
  return usePart(editor.store, (state) => nodeOf(state.doc, id));
}

/** The one step that is selected, or none. */
export function useChosen(): GraphNode | undefined {
  const { editor } = useDesk();
  return usePart(editor.store, ({ doc, selected }) => {
    const [id, ...others] = selected;
    return id !== undefined && others.length === 0 ? nodeOf(doc, id) : undefined;
  });
}

export const look = (desk: Desk, view: Partial<View>): void => desk.view.set({ ...desk.view.get(), ...view });
