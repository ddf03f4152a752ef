import { asApiError, type ApiError } from "../../../api/errors";
import { createStore, type Store } from "../../../ui/store";
import { isAbsent, type FlowApi } from "../api";
import { placed } from "../state/arrange";
import type { Doc } from "../state/doc";
import type { Editor } from "../state/editor";
import { equal, merge, type Choice, type Conflict } from "../state/merge";
import { readDoc } from "../state/reading";
import type { Draft, Status } from "../types";
import type { FormField } from "./field";

export interface Saving {
  /** `form`: the server keeps no drafts for us, so the page's own form saves. */
  state: "form" | "saved" | "changed" | "saving" | "failed" | "conflict";
  at: number | null;
  error: ApiError | null;
  status: Status;
  revision: number | null;
  conflict: { by: string | null; conflicts: Conflict[]; theirs: Draft } | null;
  /** Who else's changes were taken in a moment ago. */
  takenIn: string | null;
}

const IDLE_MS = 2_000;
const RETRY_MS = [4_000, 10_000, 30_000];
const FIRST: Saving = { state: "form", at: null, error: null, status: "draft", revision: null, conflict: null, takenIn: null };

/**
 * Keeps the draft on the server two seconds after the last change, and always in the form's field. Somebody else's
 * changes are merged in; where both changed the same thing, a person decides.
 */
export class Saver {
  readonly store: Store<Saving> = createStore(FIRST);
  private base: Doc;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private busy: Promise<void> | null = null;
  private failures = 0;

  constructor(private readonly api: FlowApi, private readonly editor: Editor, private readonly field: FormField, private readonly readOnly: boolean) {
    this.base = editor.doc;
    let doc = editor.doc;
    editor.subscribe(() => {
      if (editor.doc === doc) return;
      doc = editor.doc;
      this.changed();
    });
  }

  get state(): Saving {
    return this.store.get();
  }

  /** Asks for the server's draft. What it holds wins over the page where nothing was changed here yet. */
  async open(): Promise<void> {
    const draft = await this.api.draft().catch((error: unknown) => (isAbsent(error) ? null : this.failed(error)));
    if (!draft) return;
    const theirs = readDoc(draft.graph, draft.layout).doc;
    const untouched = this.editor.doc === this.base;
    this.set({ state: "saved", status: draft.status, revision: draft.revision, error: null });
    if (untouched && !equal(this.base.graph, theirs.graph) && this.fieldIsOld()) return this.takeOver(theirs, draft);
    const places = placed({ graph: theirs.graph, layout: theirs.layout });
    // Looking is no change: places that were only worked out here count as the server's.
    this.base = places;
    this.field.seen(draft.revision);
    if (untouched) this.editor.replace(placed({ graph: this.editor.doc.graph, layout: places.layout }));
    this.changed();
  }

  /** A form that came back with an error holds what its writer wants; it then counts as a change. */
  private fieldIsOld = () => document.querySelector(".errornote, .errorlist") === null;

  private takeOver(theirs: Doc, draft: Draft): void {
    this.base = placed(theirs);
    this.editor.replace(this.base);
    this.field.write(theirs.graph);
    this.field.seen(draft.revision);
  }

  isDirty(): boolean {
    return !equal(this.base.graph, this.editor.doc.graph);
  }

  private changed(): void {
    if (this.readOnly) return;
    this.field.write(this.editor.doc.graph);
    if (this.state.state === "form" || this.state.state === "conflict") return this.set({});
    if (equal(this.base, this.editor.doc)) return this.set({ state: "saved" });
    this.set({ state: "changed" });
    this.later(IDLE_MS);
  }

  private later(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save(true), ms);
  }

  /** Saves now. Waits for one that is under way, and then saves what came after it. */
  async save(automatic = false): Promise<void> {
    clearTimeout(this.timer);
    if (this.readOnly || this.state.state === "form" || this.state.state === "conflict") return;
    while (this.busy) await this.busy;
    this.busy = this.write(automatic).finally(() => (this.busy = null));
    await this.busy;
  }

  /** No more saving by itself: the form is about to. What is under way is answered, to be waited for. */
  rest(): Promise<void> | null {
    clearTimeout(this.timer);
    return this.busy;
  }

  private async write(automatic: boolean): Promise<void> {
    const doc = this.editor.doc;
    const [graph, layout] = [!equal(doc.graph, this.base.graph), !equal(doc.layout, this.base.layout)];
    if (!graph && !layout) return this.set({ state: "saved", at: Date.now() });
    this.set({ state: "saving" });
    try {
      const change = { ...(graph ? { graph: { schema: 2 as const, ...doc.graph } } : {}), ...(layout ? { layout: doc.layout } : {}) };
      const draft = await this.api.save(change, graph ? this.state.revision : null, automatic);
      this.accepted(draft, doc);
    } catch (error) {
      if (asApiError(error).status === 412) await this.rebase();
      else this.failed(error);
    }
  }

  private accepted(draft: Draft, doc: Doc): void {
    this.failures = 0;
    this.base = doc;
    this.field.seen(draft.revision);
    const again = this.editor.doc !== doc;
    this.set({ state: again ? "changed" : "saved", at: Date.now(), error: null, revision: draft.revision, status: draft.status });
    if (again) this.later(IDLE_MS);
  }

  private failed(error: unknown): null {
    const said = asApiError(error);
    this.set({ state: this.state.revision === null ? "form" : "failed", error: said });
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)] ?? 30_000;
    this.failures += 1;
    if (said.retryable && this.state.revision !== null) this.later(wait);
    return null;
  }

  /** Somebody else was quicker: their draft is fetched and both are made one. */
  private async rebase(): Promise<void> {
    const theirs = await this.api.draft().catch((error: unknown) => this.failed(error));
    if (!theirs) return;
    const read = placed(readDoc(theirs.graph, theirs.layout).doc);
    const { doc, conflicts } = merge(this.base, this.editor.doc, read);
    if (conflicts.length > 0) return this.set({ state: "conflict", conflict: { by: theirs.updated_by, conflicts, theirs } });
    this.adopt(doc, read, theirs);
    this.later(0);
  }

  /** Goes on with what was decided for each conflict. */
  resolve(chosen: Record<string, Choice>): void {
    const theirs = this.state.conflict?.theirs;
    if (!theirs) return;
    const read = placed(readDoc(theirs.graph, theirs.layout).doc);
    this.adopt(merge(this.base, this.editor.doc, read, chosen).doc, read, theirs);
    this.later(0);
  }

  private adopt(doc: Doc, base: Doc, theirs: Draft): void {
    this.base = base;
    this.set({ state: "changed", revision: theirs.revision, conflict: null, takenIn: theirs.updated_by ?? "" });
    this.field.seen(theirs.revision);
    this.editor.change(() => doc);
  }

  /** Marks the draft as ready, or as a draft again. Answers whether the server took it. */
  async mark(status: Status): Promise<boolean> {
    await this.save();
    if (this.state.state !== "saved") return false;
    try {
      const draft = await this.api.save({ status }, this.state.revision, false);
      this.set({ status: draft.status, revision: draft.revision });
      this.field.seen(draft.revision);
      return true;
    } catch (error) {
      this.set({ error: asApiError(error) });
      return false;
    }
  }

  thank(): void {
    this.set({ takenIn: null });
  }

  private set(next: Partial<Saving>): void {
    this.store.set({ ...this.state, ...next });
  }
}
