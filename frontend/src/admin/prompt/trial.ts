import { ApiError } from "../../api/errors";
import { readMessages, type SseMessage } from "../../realtime/sse";

export interface Attempt {
  endpoint: string;
  model: string;
  error: string | null;
}

export interface Usage {
  input_tokens: number;
  output_tokens: number;
  cached_tokens?: number;
  estimated: boolean;
  cost: number | null;
}

export interface ToolCall {
  index: number;
  name: string;
  arguments: string;
}

/** One answer of one model, as far as it has come. */
export interface Trial {
  phase: "idle" | "waiting" | "streaming" | "done" | "stopped" | "failed";
  text: string;
  tools: ToolCall[];
  endpoint: string;
  model: string;
  firstMs: number | null;
  totalMs: number | null;
  usage: Usage | null;
  attempts: Attempt[];
  finish: string;
  degraded: boolean;
  mock: boolean;
  error: ApiError | null;
}

export const IDLE: Trial = {
  phase: "idle", text: "", tools: [], endpoint: "", model: "", firstMs: null, totalMs: null, usage: null, attempts: [],
  finish: "", degraded: false, mock: false, error: null,
};

export const isOpen = (trial: Trial) => trial.phase === "waiting" || trial.phase === "streaming";

type Data = Record<string, unknown>;

const text = (value: unknown) => (typeof value === "string" ? value : "");

const FRAMES: Record<string, (trial: Trial, data: Data, ms: number) => Trial> = {
  start: (trial, data) => ({ ...trial, endpoint: text(data.endpoint), model: text(data.model) }),
  delta: (trial, data, ms) => ({ ...begun(trial, ms), text: trial.text + text(data.text) }),
  tool_call: (trial, data, ms) => ({ ...begun(trial, ms), tools: withCall(trial.tools, data) }),
  usage: (trial, data) => ({ ...trial, usage: data as unknown as Usage }),
  done: (trial, data, ms) => ({ ...trial, ...ended(trial, data), phase: "done", totalMs: ms }),
  error: (trial, data, ms) => ({ ...trial, phase: "failed", totalMs: ms, error: tailError(data) }),
};

/** `trial` after one frame of the stream, which came `ms` after the question. Unknown frames are for later versions. */
export function applyFrame(trial: Trial, message: SseMessage, ms: number): Trial {
  const apply = FRAMES[message.event];
  return apply ? apply(trial, JSON.parse(message.data) as Data, ms) : trial;
}

const begun = (trial: Trial, ms: number): Trial => ({ ...trial, phase: "streaming", firstMs: trial.firstMs ?? ms });

/** A tool's arguments come in pieces under one index. */
function withCall(calls: ToolCall[], data: Data): ToolCall[] {
  const index = Number(data.index ?? 0);
  const old = calls.find((call) => call.index === index) ?? { index, name: "", arguments: "" };
  const next = { index, name: old.name || text(data.name), arguments: old.arguments + text(data.arguments) };
  return [...calls.filter((call) => call.index !== index), next].sort((a, b) => a.index - b.index);
}

function ended(trial: Trial, data: Data): Partial<Trial> {
  return {
    finish: text(data.finish_reason),
    model: text(data.model_used) || trial.model,
    endpoint: text(data.endpoint) || trial.endpoint,
    attempts: Array.isArray(data.attempts) ? (data.attempts as Attempt[]) : [],
    degraded: data.degraded === true,
    mock: data.mock === true,
  };
}

function tailError(data: Data): ApiError {
  const requestId = text(data.requestId) || null;
  return new ApiError(data, { status: 502, requestId, retryAfter: null });
}

interface Run {
  open: (signal: AbortSignal) => Promise<Response>;
  onChange: (trial: Trial) => void;
  signal: AbortSignal;
  now?: () => number;
}

/** Runs one question to its end and reports every step. Never raises: what went wrong is part of the trial. */
export async function runTrial({ open, onChange, signal, now = () => performance.now() }: Run): Promise<Trial> {
  const began = now();
  const since = () => Math.round(now() - began);
  let trial: Trial = { ...IDLE, phase: "waiting" };
  const step = (next: Trial) => onChange((trial = next));
  step(trial);
  try {
    const response = await open(signal);
    for await (const message of readMessages(response.body ?? empty())) {
      if (message) step(applyFrame(trial, message, since()));
    }
    if (isOpen(trial)) step({ ...trial, phase: "failed", totalMs: since(), error: brokenOff() });
  } catch (error) {
    if (signal.aborted) step({ ...trial, phase: "stopped", totalMs: since() });
    else step({ ...trial, phase: "failed", totalMs: since(), error: error instanceof ApiError ? error : brokenOff() });
  }
  return trial;
}

/** The stream ended without saying how: its last frame never came, or not whole. */
const brokenOff = () => new ApiError({ code: "STREAM", reason: "E_STREAM_CUT" }, { status: 0, requestId: null, retryAfter: null });

const empty = () => new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
