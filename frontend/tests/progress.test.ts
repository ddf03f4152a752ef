import { expect, test } from "vitest";
import { applyEvent, type LiveTask } from "../src/tasks/progress";
import { safeNext } from "../src/app/router";

const task = (): LiveTask => ({
  id: "t", feature: "f", title: "F", version: 1, status: "queued", progress: 0, input: {}, output: null, error: null, cost: null,
  model_used: null, mock: false, created_at: "", started_at: null, finished_at: null, last_seq: 0, files: {},
  form: { schema: {}, uiSchema: {} }, output_form: { schema: {}, uiSchema: {} }, texts: {},
  steps: [{ node: "a", type: "x", title: "A", status: "pending", progress: null, message: null, started_at: null, finished_at: null, duration_ms: null }],
});

const play = (...events: [string, Record<string, unknown>][]) =>
  events.reduce((state, [type, data], index) => applyEvent(state, { seq: index + 1, type, task: "t", at: "now", data }), task());

test("events move steps, progress and status", () => {
  const state = play(
    ["running", {}],
    ["step", { node: "a", title: "A", type: "x", status: "running" }],
    ["progress", { node: "a", progress: 0.5, message: "half", overall: 0.25 }],
    ["step", { node: "a", title: "A", type: "x", status: "succeeded", duration_ms: 12 }],
    ["succeeded", { output: {} }],
  );
  expect(state).toMatchObject({ status: "succeeded", progress: 1, last_seq: 5, started_at: "now" });
  expect(state.steps[0]).toMatchObject({ status: "succeeded", progress: 1, message: "half", duration_ms: 12 });
});

test("a step that nobody announced is added", () => {
  expect(play(["step", { node: "b", title: "B", status: "running" }]).steps.map((step) => step.node)).toEqual(["a", "b"]);
});

test("pieces of text join by offset, and a reset starts over", () => {
  const piece = (text: string, offset: number): [string, Record<string, unknown>] => ["delta", { node: "a", text, offset }];
  expect(play(piece("Hel", 0), piece("lo", 3), piece("lo", 3)).texts.a).toBe("Hello");
  expect(play(piece("Hel", 0), ["reset", { node: "a", text: "Bye", offset: 3 }], piece("!", 3)).texts.a).toBe("Bye!");
});

test("unknown events change nothing but the place in the log", () => {
  expect(play(["novelty", {}])).toEqual({ ...task(), last_seq: 1 });
});

test("signing in leads to our own addresses only", () => {
  expect(["/tasks", "//evil.example", "/\\evil", "https://evil.example", null].map(safeNext)).toEqual(["/tasks", "/", "/", "/", "/"]);
});
