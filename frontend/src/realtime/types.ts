/** The words of the task event protocol. This folder imports nothing from the rest of the app. */

export type TerminalType = "succeeded" | "failed" | "cancelled";

export interface TaskEvent {
  /** Null on frames outside the task's numbered log. */
  seq: number | null;
  type: string;
  task: string;
  at: string;
  data: Record<string, unknown>;
}

/** A short word about any task of the signed-in user; not numbered, may be lost. */
export interface TaskUpdate {
  task: string;
  status: string;
  progress: number;
}

export interface Snapshot {
  status: string;
  last_seq: number;
}

/** How news of a task arrives just now. */
export type Link = "connecting" | "live" | "reconnecting" | "stream" | "polling" | "closed";

export interface Handlers<S extends Snapshot> {
  onEvent: (event: TaskEvent) => void;
  /** The whole task, read when events could not be had. */
  onSnapshot: (snapshot: S) => void;
  onLink?: (link: Link) => void;
}

export interface SocketLike {
  send(text: string): void;
  close(): void;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
}

/** Everything the client needs from outside, so that it runs anywhere and under test. */
export interface Transports<S extends Snapshot> {
  /** A one-time ticket: the access token must not appear in an address. */
  ticket: () => Promise<string>;
  openSocket: (ticket: string) => SocketLike;
  openStream: (task: string, after: number, signal: AbortSignal) => Promise<Response>;
  readTask: (task: string) => Promise<S>;
  random?: () => number;
}

const TERMINAL = new Set(["succeeded", "failed", "cancelled"]);

export const isTerminal = (type: string): boolean => TERMINAL.has(type);
