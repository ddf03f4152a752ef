/** The wire of test runs and of questions to people. */

import type { FileInfo } from "../../api/types";
import type { Json, JsonObject, Words } from "./types";

/** The body of `POST pipelines/{key}/test`. */
export interface TrialRequest {
  input: JsonObject;
  mode: "mock" | "real";
  /** Absent: the draft as it is stored. */
  graph?: JsonObject;
  feature?: string;
  /** One node alone, with `inputs`. */
  node?: string;
  inputs?: JsonObject | { $pin: string } | { $last: true };
  /** Names of pins by node. */
  pins?: Record<string, string>;
  /** Keys of endpoints that are to fail. */
  fail?: string[];
  charge?: boolean;
  case?: string;
}

/** The 202 to a request that does not accept an event stream. */
export interface TrialStarted {
  trial: string;
  links: { self: string; stream: string; cancel: string };
}

export type StepStatus = "running" | "succeeded" | "failed" | "skipped" | "waiting" | "reused";

/** A value of more than 64 KB where it is stored, of more than 16 KB where it is told. */
export interface StoredValue {
  $file: string;
  bytes: number;
  sha256: string;
  preview: string;
}

export interface StepEvent {
  step: string;
  node: string;
  /** The step's place in the run: `each#17/brief`. */
  path: string;
  type: string;
  title: string;
  status: StepStatus;
  attempt: number;
  input: Json | StoredValue;
  output: Json | StoredValue;
  /** Seconds; null while it runs. */
  duration: number | null;
  cost_micro: number;
  usage: JsonObject;
  model: string;
  branch: string;
  pinned: boolean;
  files?: Record<string, FileInfo>;
  error?: Failure;
}

export interface Failure {
  code: string;
  reason: string;
  message: string;
  node?: string;
  field?: string;
  requestId?: string;
  retryable: boolean;
  hint?: string;
}

export interface Totals {
  steps: number;
  calls: number;
  input_tokens: number;
  output_tokens: number;
}

/** The events of `GET trials/{id}/stream`, by name. The last is `done` or `error`. */
export interface TrialEvents {
  start: { trial: string; mode: "mock" | "real"; graph_sha256: string; order: string[]; mock: boolean };
  step: StepEvent;
  log: { step: string; level: "debug" | "info" | "warning" | "error"; log: string; at: string };
  delta: { node: string; text: string; offset: number };
  reset: { node: string; text: string; offset: number };
  progress: { node: string; progress: number; message: string; overall: number };
  waiting_input: Question;
  done: { status: "succeeded"; output: Json | StoredValue; duration: number; cost_micro: number; totals: Totals; files?: Record<string, FileInfo> };
  error: Failure;
}

export type TrialEvent = { [Name in keyof TrialEvents]: { name: Name; data: TrialEvents[Name] } }[keyof TrialEvents];

/** A question that a run asks a person; also in `questions` of a task. */
export interface Question {
  path: string;
  node: string;
  title: Words;
  form: { schema: JsonObject; ui: JsonObject };
  options: string[];
  deadline: string;
  /** The option that stands when nobody answers; "" where the step then fails. */
  default: string;
}

/** The body of `POST /api/v1/tasks/{id}/answers/{path}`. A second answer gets 409, a late one 410. */
export interface AnswerRequest {
  answer: JsonObject;
  option?: string;
}

/** An output that stands in for its node. */
export interface Pin {
  id: number;
  node: string;
  name: string;
  output: JsonObject;
  files: string[];
}

/** A saved input, with what stands in for nodes and what has to come out. */
export interface Case {
  id: number;
  name: string;
  input: JsonObject;
  pins: Record<string, string>;
}

export interface CaseRun {
  case: string;
  trial: string;
}

export interface TrialDetail {
  status: string;
  error: Failure | null;
  /** How the checks of the case went; null while it runs. */
  verdicts: { passed: boolean }[] | null;
}
