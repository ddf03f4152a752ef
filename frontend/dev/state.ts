import { EventEmitter } from "node:events";
import { FEATURES, type DemoFeature } from "./catalogue.ts";

export interface Stored {
  bytes: Buffer;
  mime: string;
  width: number | null;
  height: number | null;
  size: number;
  name: string;
}

export interface DemoEvent {
  seq: number;
  type: string;
  task: string;
  at: string;
  data: Record<string, unknown>;
}

export interface DemoTask {
  id: string;
  feature: DemoFeature;
  language: string | undefined;
  status: string;
  progress: number;
  input: Record<string, unknown>;
  output: Record<string, unknown> | null;
  steps: Record<string, unknown>[];
  error: Record<string, unknown> | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  events: DemoEvent[];
}

/** Everything the mock back end knows; gone when it stops. */
export const state = {
  revision: 12,
  features: [...FEATURES],
  files: new Map<string, Stored>(),
  tasks: new Map<string, DemoTask>(),
  balance: 240,
  /** Failures to rehearse: `?break=ws,stream` on `POST /api/v1/dev/break`. */
  broken: new Set<string>(),
};

/** Emits `event` (a DemoEvent), `update` (a DemoTask) and `revision`. */
export const bells = new EventEmitter().setMaxListeners(0);
