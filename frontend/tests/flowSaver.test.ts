import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../src/api/errors";
import type { FlowApi } from "../src/admin/flow/api";
import { FormField } from "../src/admin/flow/draft/field";
import { Saver } from "../src/admin/flow/draft/saver";
import { placed } from "../src/admin/flow/state/arrange";
import { nodeOf, setNode } from "../src/admin/flow/state/doc";
import { Editor } from "../src/admin/flow/state/editor";
import type { Change, Draft, Graph } from "../src/admin/flow/types";

const GRAPH: Graph = { nodes: [{ id: "a", type: "start" }, { id: "b", type: "prompt", config: { prompt: "x" } }], edges: [{ source: "a", target: "b" }] };
const error = (status: number) => new ApiError({ message: `${status}` }, { status, requestId: null, retryAfter: null });

/** A server with one draft. */
class Server {
  draft: Draft = { key: "k", name: "K", status: "draft", graph: GRAPH, layout: {}, revision: 4, updated_at: "", updated_by: "bob", used_by: [] };
  writes: (Change & { revision: number | null; automatic: boolean })[] = [];
  fails: ApiError[] = [];

  api = {
    draft: () => Promise.resolve(structuredClone(this.draft)),
    save: (change: Change, revision: number | null, automatic: boolean) => {
      const failure = this.fails.shift();
      if (failure) return Promise.reject(failure);
      if (revision !== null && revision !== this.draft.revision) return Promise.reject(error(412));
      this.writes.push({ ...change, revision, automatic });
      this.draft = { ...this.draft, ...change, revision: this.draft.revision + (revision === null ? 0 : 1) };
      return Promise.resolve(structuredClone(this.draft));
    },
  } as unknown as FlowApi;
}

let server: Server;
let editor: Editor;
let saver: Saver;

const note = (text: string) => editor.change((doc) => setNode(doc, "b", { note: text }));
const area = () => document.querySelector("textarea") as HTMLTextAreaElement;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  document.body.innerHTML = `<form><textarea id="id_graph">${JSON.stringify(GRAPH)}</textarea><input type="hidden" name="seen_revision" value="4"></form>`;
  server = new Server();
  editor = new Editor(placed({ graph: GRAPH, layout: {} }));
  saver = new Saver(server.api, editor, new FormField("id_graph"), false);
});
afterEach(() => vi.useRealTimers());

test("looking at a draft writes nothing, although places were worked out for it", async () => {
  await saver.open();
  await pass(60_000);
  expect(server.writes).toEqual([]);
  expect(saver.state.state).toBe("saved");
});

test("a change is in the form at once, and with the server two seconds after the last one", async () => {
  await saver.open();
  note("1");
  await pass(1_500);
  note("12");
  await pass(1_500);
  expect(server.writes).toEqual([]);
  expect(JSON.parse(area().value)).toMatchObject({ nodes: [{}, { note: "12" }] });
  await pass(600);
  expect(server.writes).toMatchObject([{ revision: 4, automatic: true, graph: { schema: 2 } }]);
  expect(document.querySelector<HTMLInputElement>("[name=seen_revision]")?.value).toBe("5");
});

test("moving boxes is no revision", async () => {
  await saver.open();
  editor.change((doc) => ({ ...doc, layout: { ...doc.layout, positions: { a: [1, 2], b: [3, 4] } } }));
  await pass(2_100);
  expect(server.writes).toMatchObject([{ revision: null, layout: { positions: { a: [1, 2] } } }]);
  expect(server.draft.revision).toBe(4);
});

test("a server without drafts leaves saving to the form", async () => {
  server.api.draft = () => Promise.reject(error(404));
  await saver.open();
  note("x");
  await pass(10_000);
  expect([saver.state.state, saver.isDirty(), server.writes.length]).toEqual(["form", true, 0]);
  expect(area().value).toContain('"x"');
});

test("what cannot be written now is written later, and nothing is lost", async () => {
  await saver.open();
  server.fails = [error(503), error(503)];
  note("x");
  await pass(2_100);
  expect(saver.state.state).toBe("failed");
  await pass(4_100);
  await pass(10_100);
  expect(saver.state.state).toBe("saved");
  expect(server.writes).toHaveLength(1);
});

test("a refusal that trying again will not change is not tried again", async () => {
  await saver.open();
  server.fails = [error(422)];
  note("x");
  await pass(60_000);
  expect([saver.state.state, server.writes.length]).toEqual(["failed", 0]);
});

test("somebody else's changes are taken in beside mine", async () => {
  await saver.open();
  const theirs = structuredClone(GRAPH);
  if (theirs.nodes?.[0]) theirs.nodes[0].note = "theirs";
  server.draft = { ...server.draft, graph: theirs, revision: 5 };
  note("mine");
  await pass(3_000);
  expect(saver.state).toMatchObject({ state: "saved", takenIn: "bob", revision: 6 });
  expect(server.draft.graph.nodes?.map((node) => node.note)).toEqual(["theirs", "mine"]);
});

test("the same thing changed twice waits for a decision, and nothing is sent before it", async () => {
  await saver.open();
  const theirs = structuredClone(GRAPH);
  if (theirs.nodes?.[1]) theirs.nodes[1].note = "theirs";
  server.draft = { ...server.draft, graph: theirs, revision: 5 };
  note("mine");
  await pass(30_000);
  expect(saver.state.state).toBe("conflict");
  expect(server.writes).toEqual([]);
  saver.resolve({ "nodes.b.note": "theirs" });
  await pass(3_000);
  expect(saver.state.state).toBe("saved");
  expect(nodeOf(editor.doc, "b")?.note).toBe("theirs");
});

test("a draft that is newer than the page takes its place, before anything was changed here", async () => {
  server.draft = { ...server.draft, graph: { nodes: [{ id: "new", type: "start" }] }, revision: 9 };
  await saver.open();
  expect(editor.doc.graph.nodes?.map((node) => node.id)).toEqual(["new"]);
  expect(JSON.parse(area().value)).toEqual({ nodes: [{ id: "new", type: "start" }], edges: [] });
});

test("ready is asked for after everything was saved, and a refusal leaves the draft a draft", async () => {
  await saver.open();
  note("x");
  expect(await saver.mark("ready")).toBe(true);
  expect(server.writes.map((write) => write.status ?? "graph")).toEqual(["graph", "ready"]);
  server.fails = [error(422)];
  expect(await saver.mark("draft")).toBe(false);
  expect(saver.state.status).toBe("ready");
});

test("before the form is sent, what is under way is waited for and nothing more is begun", async () => {
  await saver.open();
  note("x");
  expect(saver.rest()).toBe(null);
  await pass(60_000);
  expect(server.writes).toEqual([]);
  const saving = saver.save();
  expect(saver.rest()).not.toBe(null);
  await saving;
  expect(saver.rest()).toBe(null);
});
