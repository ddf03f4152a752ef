import { randomUUID } from "node:crypto";
import { saying } from "./catalogue.ts";
import { bells, state, type DemoTask } from "./state.ts";

const TEXT = `## A morning without a screen

Most studios measure a day in **exports**. This one measures it in *frames*: thirty-six, and then a walk to the lab.

- The waiting changes what you look at.
- The cost of a frame changes how long you look.
- Nothing can be undone, so less needs to be.

> We did not slow down to be charming. We slowed down because the work got better.

What follows is a short account of that year, with the numbers we would have liked to read before we started.`;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export function emit(task: DemoTask, type: string, data: Record<string, unknown>): void {
  const event = { seq: task.events.length + 1, type, task: task.id, at: new Date().toISOString(), data };
  task.events.push(event);
  bells.emit("event", event);
  bells.emit("update", task);
}

/** Plays a run at the pace of a real one. A topic with "fail" in it fails. */
export async function play(task: DemoTask): Promise<void> {
  emit(task, "queued", {});
  await sleep(500);
  if (task.status === "cancelled") return;
  Object.assign(task, { status: "running", started_at: new Date().toISOString() });
  emit(task, "running", {});
  for (const [index] of task.feature.steps.entries()) {
    await playStep(task, index);
    if (task.status !== "running") return;
  }
  finish(task);
}

async function playStep(task: DemoTask, index: number): Promise<void> {
  const spec = task.feature.steps[index]!;
  const step = task.steps[index]!;
  const total = task.feature.steps.length;
  const say = saying(task.language);
  const facts = { node: spec.node, type: spec.type, title: say(spec.title), index, total };
  Object.assign(step, { status: "running", started_at: new Date().toISOString() });
  emit(task, "step", { ...facts, status: "running" });
  for (let tick = 1; tick <= 10; tick += 1) {
    await sleep(spec.ms / 10);
    if (task.status !== "running") return;
    if (spec.type === "llm_chat") writeOn(task, spec.node, tick);
    task.progress = (index + tick / 10) / total;
    step.progress = tick / 10;
    emit(task, "progress", { node: spec.node, progress: tick / 10, message: tick > 4 ? say(["Looking closely", "仔细处理"]) : "", overall: task.progress });
  }
  if (JSON.stringify(task.input).includes("fail")) return fail(task, step, facts);
  Object.assign(step, { status: "succeeded", progress: 1, finished_at: new Date().toISOString(), duration_ms: spec.ms });
  emit(task, "step", { ...facts, status: "succeeded", duration_ms: spec.ms });
}

function writeOn(task: DemoTask, node: string, tick: number): void {
  const piece = Math.ceil(TEXT.length / 10);
  const offset = (tick - 1) * piece;
  emit(task, "delta", { node, text: TEXT.slice(offset, offset + piece), offset });
}

function fail(task: DemoTask, step: Record<string, unknown>, facts: Record<string, unknown>): void {
  const error = { code: "PROVIDERS_5003", reason: "E_UPSTREAM", message: "The model did not answer in time.", retryable: true };
  Object.assign(step, { status: "failed", finished_at: new Date().toISOString(), duration_ms: 900, message: error.message });
  emit(task, "step", { ...facts, status: "failed", duration_ms: 900, error });
  Object.assign(task, { status: "failed", error: { ...error, requestId: randomUUID() }, finished_at: new Date().toISOString() });
  emit(task, "failed", { error });
}

function finish(task: DemoTask): void {
  const isText = task.feature.group !== "images";
  task.output = isText ? { text: TEXT } : { image: picture(task) };
  Object.assign(task, { status: "succeeded", progress: 1, finished_at: new Date().toISOString() });
  state.balance -= task.feature.cost;
  emit(task, "succeeded", { output: task.output });
}

/** The uploaded picture on the chosen ground: enough to see the slider work. */
function picture(task: DemoTask): string {
  const id = randomUUID();
  const source = state.files.get(String(task.input.image));
  const [width, height] = [source?.width ?? 1200, source?.height ?? 900];
  const ground = String(task.input.background ?? "#ffffff");
  const embedded = source ? `data:${source.mime};base64,${source.bytes.toString("base64")}` : "";
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<defs><clipPath id="c"><ellipse cx="${width / 2}" cy="${height / 2}" rx="${width * 0.3}" ry="${height * 0.36}"/></clipPath></defs>
<rect width="100%" height="100%" fill="${ground}"/><image href="${embedded}" width="${width}" height="${height}" clip-path="url(#c)"/></svg>`;
  const bytes = Buffer.from(svg);
  state.files.set(id, { bytes, mime: "image/svg+xml", width, height, size: bytes.length, name: "finished.svg" });
  return id;
}
