import type { Step, StepStatus, Task, TaskError, TaskStatus } from "../api/types";
import type { TaskEvent } from "../realtime";

/** A task on screen: what was read, plus what has been heard since. */
export interface LiveTask extends Task {
  /** Text as it is being written, by node. */
  texts: Record<string, string>;
}

export const isOver = (status: TaskStatus) =>
  status === "succeeded" || status === "failed" || status === "cancelled";

type Apply = (task: LiveTask, event: TaskEvent) => LiveTask;

const APPLY: Record<string, Apply> = {
  queued: (task) => ({ ...task, status: "queued" }),
  running: (task, event) => ({ ...task, status: "running", started_at: task.started_at ?? event.at }),
  waiting_input: (task) => ({ ...task, status: "waiting_input" }),
  step: applyStep,
  progress: applyProgress,
  log: (task, event) => withStep(task, text(event.data.node), { message: text(event.data.message) }),
  delta: (task, event) => withText(task, event, (before, chunk, offset) => before.slice(0, offset) + chunk),
  reset: (task, event) => withText(task, event, (before, chunk, offset) => before.slice(0, offset) + chunk),
  succeeded: (task, event) => ended(task, event, "succeeded"),
  cancelled: (task, event) => ended(task, event, "cancelled"),
  failed: (task, event) => ({ ...ended(task, event, "failed"), error: event.data.error as TaskError }),
};

/** The task after one event. Unknown types change nothing: the server may learn new ones first. */
export function applyEvent(task: LiveTask, event: TaskEvent): LiveTask {
  const next = APPLY[event.type]?.(task, event) ?? task;
  return event.seq === null ? next : { ...next, last_seq: event.seq };
}

function applyStep(task: LiveTask, event: TaskEvent): LiveTask {
  const { node, type, title, status, duration_ms: duration } = event.data;
  const running = status === "running";
  const moved = withStep(task, text(node), {
    type: text(type),
    title: text(title),
    status: status as StepStatus,
    duration_ms: typeof duration === "number" ? duration : null,
    ...(running ? { started_at: event.at, finished_at: null } : { finished_at: event.at }),
    ...(status === "succeeded" ? { progress: 1 } : {}),
  });
  return { ...moved, progress: Math.max(moved.progress, doneOf(moved.steps)) };
}

/** How much of the run is behind it, as far as the number of its steps says so. */
const doneOf = (steps: Step[]): number =>
  steps.length === 0 ? 0 : steps.filter((step) => ["succeeded", "skipped", "reused"].includes(step.status)).length / steps.length;

function applyProgress(task: LiveTask, event: TaskEvent): LiveTask {
  const { node, progress, message, overall } = event.data;
  const moved = typeof overall === "number" ? { ...task, progress: Math.max(task.progress, overall) } : task;
  return withStep(moved, text(node), {
    ...(typeof progress === "number" ? { progress } : {}),
    ...(message ? { message: text(message) } : {}),
  });
}

function withText(task: LiveTask, event: TaskEvent, join: (before: string, chunk: string, offset: number) => string): LiveTask {
  const node = text(event.data.node);
  const before = task.texts[node] ?? "";
  const offset = typeof event.data.offset === "number" ? event.data.offset : 0;
  // A reset carries all the text so far; where it also names an offset, that is the text's length.
  const start = event.type === "reset" ? 0 : Math.min(offset, before.length);
  return { ...task, texts: { ...task.texts, [node]: join(before, text(event.data.text), start) } };
}

function withStep(task: LiveTask, node: string, change: Partial<Step>): LiveTask {
  if (!node) return task;
  if (task.steps.some((step) => step.node === node)) {
    return { ...task, steps: task.steps.map((step) => (step.node === node ? { ...step, ...change } : step)) };
  }
  return { ...task, steps: [...task.steps, { ...blankStep(node), ...change }] };
}

const blankStep = (node: string): Step => ({
  node, type: "", title: node, status: "pending", progress: null, message: null,
  started_at: null, finished_at: null, duration_ms: null,
});

function ended(task: LiveTask, event: TaskEvent, status: TaskStatus): LiveTask {
  return { ...task, status, finished_at: event.at, progress: status === "succeeded" ? 1 : task.progress };
}

const text = (value: unknown) => (typeof value === "string" ? value : "");
