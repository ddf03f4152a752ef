import type { SseMessage } from "./sse";
import type { TaskEvent, TaskUpdate } from "./types";

type Bag = Record<string, unknown>;

const isBag = (value: unknown): value is Bag => value !== null && typeof value === "object";

/** An event of a task's log, or null for any other frame. */
export function asTaskEvent(frame: unknown): TaskEvent | null {
  if (!isBag(frame) || typeof frame.task !== "string" || !isBag(frame.data)) return null;
  return {
    seq: typeof frame.seq === "number" && frame.seq > 0 ? frame.seq : null,
    type: String(frame.type),
    task: frame.task,
    at: String(frame.at ?? ""),
    data: frame.data,
  };
}

export function asTaskUpdate(frame: unknown): TaskUpdate | null {
  if (!isBag(frame) || frame.type !== "task.update" || typeof frame.task !== "string") return null;
  return { task: frame.task, status: String(frame.status), progress: Number(frame.progress ?? 0) };
}

/** The same event out of a stream's message, whether its data is the event or only its content. */
export function fromMessage(message: SseMessage, task: string): TaskEvent | null {
  try {
    const data: unknown = JSON.parse(message.data);
    const whole = asTaskEvent(data);
    if (whole || !isBag(data)) return whole;
    return { seq: Number(message.id) || null, type: message.event, task, at: "", data };
  } catch {
    return null;
  }
}
