import type { FileInfo } from "../../../api/types";
import type { Failure, Question, StepEvent, Totals, TrialEvent } from "../trialTypes";
import type { Json } from "../types";

export interface Line {
  step: string;
  level: string;
  text: string;
}

/** A test run as far as it is known: what the steps did, by node and by path. */
export interface Trial {
  phase: "idle" | "starting" | "running" | "waiting" | "done" | "failed" | "cancelled" | "absent";
  id: string;
  /** The last event seen, to go on from there. */
  last: string;
  mode: "mock" | "real";
  order: string[];
  steps: Record<string, StepEvent>;
  /** The path of the newest step of each node. */
  byNode: Record<string, string>;
  texts: Record<string, string>;
  progress: Record<string, number>;
  lines: Line[];
  question: Question | null;
  output: unknown;
  files: Record<string, FileInfo>;
  duration: number | null;
  cost: number | null;
  totals: Totals | null;
  failure: Failure | null;
}

export const NO_TRIAL: Trial = {
  phase: "idle", id: "", last: "", mode: "mock", order: [], steps: {}, byNode: {}, texts: {}, progress: {}, lines: [],
  question: null, output: null, files: {}, duration: null, cost: null, totals: null, failure: null,
};

/** What an event makes of a run. An event that is not known changes nothing. */
export function told(trial: Trial, event: TrialEvent): Trial {
  const teller = TELLERS[event.name] as ((trial: Trial, data: unknown) => Trial) | undefined;
  return teller ? teller(trial, event.data) : trial;
}

type Tellers = { [Name in TrialEvent["name"]]: (trial: Trial, data: Extract<TrialEvent, { name: Name }>["data"]) => Trial };

const TELLERS: Tellers = {
  start: (trial, data) => ({ ...trial, phase: "running", id: data.trial, mode: data.mode, order: data.order }),
  step: (trial, data) => ({
    ...trial,
    question: trial.question?.path === data.path && data.status !== "waiting" ? null : trial.question,
    phase: trial.phase === "waiting" && data.status !== "waiting" ? "running" : trial.phase,
    steps: { ...trial.steps, [data.path]: data },
    byNode: { ...trial.byNode, [data.node]: data.path, [data.path.split("/")[0]?.split("#")[0] ?? data.node]: topPath(trial, data) },
  }),
  log: (trial, data) => ({ ...trial, lines: [...trial.lines, { step: data.step, level: data.level, text: data.log }].slice(-500) }),
  delta: (trial, data) => ({ ...trial, texts: { ...trial.texts, [data.node]: spliced(trial.texts[data.node] ?? "", data.text, data.offset) } }),
  reset: (trial, data) => ({ ...trial, texts: { ...trial.texts, [data.node]: data.text } }),
  progress: (trial, data) => ({ ...trial, progress: { ...trial.progress, [data.node]: data.progress } }),
  waiting_input: (trial, data) => ({ ...trial, phase: "waiting", question: data }),
  done: (trial, data) => ({ ...trial, phase: "done", question: null, output: data.output, files: data.files ?? {}, duration: data.duration, cost: data.cost_micro, totals: data.totals }),
  error: (trial, data) => ({ ...trial, phase: isCancelled(data) ? "cancelled" : "failed", question: null, failure: data }),
};

/** The step of the outermost pipeline: what stands on the canvas. Steps within it never take its place. */
const topPath = (trial: Trial, data: StepEvent): string => {
  const head = data.path.split("/")[0]?.split("#")[0] ?? data.node;
  return data.path.includes("/") ? (trial.byNode[head] ?? data.path) : data.path;
};

/** A piece may come again after a reconnect: its offset says where it belongs. */
const spliced = (text: string, piece: string, offset: number): string => [...text].slice(0, offset).join("") + piece;

const isCancelled = (failure: Failure) => failure.reason === "E_CANCELLED" || failure.code === "CANCELLED";

export const isOver = (trial: Trial): boolean => ["done", "failed", "cancelled", "absent", "idle"].includes(trial.phase);

export const stepOf = (trial: Trial, node: string): StepEvent | undefined => trial.steps[trial.byNode[node] ?? ""];

/** A large value is told by its beginning. */
export function shown(value: Json | { $file: string; preview: string } | null | undefined): { value: unknown; cut: boolean } {
  const stored = value !== null && typeof value === "object" && !Array.isArray(value) && typeof value.$file === "string" && typeof value.preview === "string";
  return stored ? { value: (value as { preview: string }).preview, cut: true } : { value, cut: false };
}
