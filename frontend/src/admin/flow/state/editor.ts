import { createStore, type Store } from "../../../ui/store";
import type { Doc } from "./doc";

/** So many steps can be taken back. A step shares what it left alone with its neighbours. */
const DEPTH = 200;
/** Changes of the same thing within this time are one step: typing, or moving by arrow keys. */
const TOGETHER_MS = 1_200;

export interface EditorState {
  doc: Doc;
  past: Doc[];
  future: Doc[];
  selected: ReadonlySet<string>;
  /** Selected edges by their ids. */
  edges: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

/** The document with its past. Everything that changes it goes through `change`, so that everything can be taken back. */
export class Editor {
  readonly store: Store<EditorState>;
  private tag = "";
  private at = 0;

  constructor(doc: Doc, private readonly now: () => number = Date.now) {
    this.store = createStore<EditorState>({ doc, past: [], future: [], selected: NONE, edges: NONE });
  }

  get doc(): Doc {
    return this.store.get().doc;
  }

  get state(): EditorState {
    return this.store.get();
  }

  subscribe = (listener: () => void) => this.store.subscribe(listener);

  /** One step. Steps with the same `tag` in quick succession are one. Answers whether anything changed. */
  change(make: (doc: Doc) => Doc, tag = ""): boolean {
    const state = this.state;
    const doc = make(state.doc);
    if (doc === state.doc) return false;
    const joined = tag !== "" && tag === this.tag && this.now() - this.at < TOGETHER_MS && state.past.length > 0;
    const past = joined ? state.past : [...state.past, state.doc].slice(-DEPTH);
    this.tag = tag;
    this.at = this.now();
    this.store.set({ ...state, doc, past, future: [] });
    return true;
  }

  /** Puts another document in place without a step: what was read, or what others did. The past stays. */
  replace(doc: Doc): void {
    this.tag = "";
    this.store.set({ ...this.state, doc });
  }

  undo(): boolean {
    const { past, future, doc, ...rest } = this.state;
    const before = past.at(-1);
    if (!before) return false;
    this.tag = "";
    this.store.set({ ...rest, doc: before, past: past.slice(0, -1), future: [doc, ...future] });
    return true;
  }

  redo(): boolean {
    const { past, future, doc, ...rest } = this.state;
    const [after, ...later] = future;
    if (!after) return false;
    this.tag = "";
    this.store.set({ ...rest, doc: after, past: [...past, doc], future: later });
    return true;
  }

  select(selected: Iterable<string>, edges: Iterable<string> = []): void {
    const next = { selected: new Set(selected), edges: new Set(edges) };
    if (same(next.selected, this.state.selected) && same(next.edges, this.state.edges)) return;
    this.store.set({ ...this.state, ...next });
  }
}

const same = (a: ReadonlySet<string>, b: ReadonlySet<string>) => a.size === b.size && [...a].every((one) => b.has(one));
