import { expect, test } from "vitest";
import { ApiError } from "../src/api/errors";
import type { FlowApi } from "../src/admin/flow/api";
import { follow } from "../src/admin/flow/panes/runTrial";
import { NO_TRIAL, shown, stepOf, told, type Trial } from "../src/admin/flow/panes/trial";
import type { TrialEvent } from "../src/admin/flow/trialTypes";
import { createStore } from "../src/ui/store";

const START = { trial: "t", mode: "mock", graph_sha256: "", order: [], mock: true };
const DONE = { status: "succeeded", output: { text: "hi" }, duration: 1, cost_micro: 5, totals: { steps: 1, calls: 1, input_tokens: 1, output_tokens: 1 } };
const step = (path: string, status: string) => ({ path, node: path.split("/").at(-1), status, step: path, branch: "" });

const sse = (...events: [id: number, name: string, data: unknown][]) =>
  new Response(events.map(([id, name, data]) => `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join(""));

async function run(first: () => Promise<Response>, ...rest: (() => Promise<Response>)[]): Promise<{ trial: Trial; asked: string[] }> {
  const store = createStore<Trial>(NO_TRIAL);
  const asked: string[] = [];
  const resumeTrial = (_trial: string, last: string) => {
    asked.push(last);
    return rest.shift()?.() ?? Promise.reject(new Error("nobody there"));
  };
  await follow({ startTrial: first, resumeTrial } as unknown as FlowApi, store, { input: {}, mode: "mock" }, new AbortController().signal, () => Promise.resolve());
  return { trial: store.get(), asked };
}

test("a run is followed to its end", async () => {
  const { trial, asked } = await run(async () => sse([1, "start", START], [2, "step", step("copy", "running")], [3, "step", step("copy", "succeeded")], [4, "done", DONE]));
  expect([trial.phase, stepOf(trial, "copy")?.status, trial.cost, asked]).toEqual(["done", "succeeded", 5, []]);
});

test("a stream that breaks off is taken up where it was", async () => {
  const { trial, asked } = await run(
    async () => sse([1, "start", START], [2, "step", step("copy", "running")]),
    async () => sse([3, "step", step("copy", "succeeded")]),
    async () => sse([4, "done", DONE]),
  );
  expect([trial.phase, asked]).toEqual(["done", ["2", "3"]]);
});

test("a stream that ends without a last word, or never comes back, is a failure", async () => {
  const ended = await run(async () => sse([1, "start", START]), async () => new Response(null, { status: 204 }));
  expect([ended.trial.phase, ended.asked]).toEqual(["failed", ["1"]]);
  const lost = await run(async () => sse([1, "start", START]));
  expect([lost.trial.phase, lost.asked.length]).toEqual(["failed", 5]);
});

test("a server without test runs is told from a refusal", async () => {
  const refuse = (status: number) => () => Promise.reject(new ApiError({ code: "C", message: "no" }, { status, requestId: "r1", retryAfter: null }));
  expect((await run(refuse(404))).trial.phase).toBe("absent");
  expect((await run(refuse(403))).trial).toMatchObject({ phase: "failed", failure: { code: "C", message: "no", requestId: "r1" } });
});

test("steps inside another step do not take its place on the canvas", () => {
  const events = [["each", "running"], ["each#0/brief", "succeeded"], ["each#1/brief", "failed"]] as const;
  const trial = events.reduce((now, [path, status]) => told(now, { name: "step", data: step(path, status) as never } as TrialEvent), NO_TRIAL);
  expect(stepOf(trial, "each")?.status).toBe("running");
  expect(Object.keys(trial.steps)).toEqual(["each", "each#0/brief", "each#1/brief"]);
});

test("pieces of an answer stand where their offsets say, and unknown events change nothing", () => {
  const delta = (text: string, offset: number) => ({ name: "delta", data: { node: "n", text, offset } }) as TrialEvent;
  const trial = [delta("你好", 0), delta(" w", 2), delta(" world", 2)].reduce(told, NO_TRIAL);
  expect(trial.texts.n).toBe("你好 world");
  expect(told(trial, { name: "news", data: {} } as unknown as TrialEvent)).toBe(trial);
});

test("a large value is told by its beginning", () => {
  expect(shown({ $file: "f", preview: "abc" })).toEqual({ value: "abc", cut: true });
  expect(shown({ a: 1 })).toEqual({ value: { a: 1 }, cut: false });
});
