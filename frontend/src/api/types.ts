/** The wire shapes of `/api/v1`, as the storefront reads them. */

export interface User {
  id: number | string;
  username: string;
  name: string;
  roles: string[];
  balance: number;
}

export interface TokenPair {
  access: string;
  refresh: string;
}

export interface MenuItem {
  feature: string;
  title: string;
  description: string;
  icon: string;
  route: string;
  order: number;
  permissions: { run: boolean };
}

export interface MenuGroup {
  key: string;
  title: string;
  order: number;
  items: MenuItem[];
}

/** There while a preview link is used: whose draft is shown, and until when. */
export interface Preview {
  feature: string;
  expires_at: string;
}

export interface Menus {
  revision: number;
  groups: MenuGroup[];
  preview?: Preview;
}

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Values = Record<string, unknown>;

/** The part of JSON Schema this code looks into; the form library reads the rest. */
export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  format?: string;
  contentMediaType?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  [keyword: string]: unknown;
}

export type UiSchema = Record<string, unknown>;

export interface FormSpec {
  schema: Schema;
  uiSchema: UiSchema;
}

export interface FeatureSchema {
  revision: number;
  feature: {
    key: string;
    version: number;
    title: string;
    description: string;
    icon: string;
    /** Missing in a draft that has no price yet. */
    cost?: number;
  };
  form: FormSpec;
  output: FormSpec;
  preview?: Preview;
}

export interface FileInfo {
  url: string;
  mime: string;
  width: number | null;
  height: number | null;
  size: number;
  name: string;
}

export interface Upload extends FileInfo {
  id: string;
}

export type TaskStatus =
  | "queued"
  | "running"
  | "waiting_input"
  | "succeeded"
  | "failed"
  | "cancelled";

export type StepStatus = "pending" | "running" | "succeeded" | "failed" | "skipped" | "waiting" | "reused";

export interface Step {
  node: string;
  type: string;
  title: string;
  status: StepStatus;
  progress: number | null;
  message: string | null;
  started_at: string | null;
  finished_at: string | null;
  duration_ms: number | null;
}

export interface TaskError {
  code: string;
  reason: string;
  message: string;
  retryable: boolean;
  requestId?: string;
}

/** What a run asks the person it belongs to. */
export interface Question {
  path: string;
  node: string;
  title: string;
  form: { schema: Schema; ui: UiSchema };
  /** The ways it can go on; none where an answer is enough. */
  options: string[];
  deadline: string;
  /** The option that stands when nobody answers; "" where the step then fails. */
  default: string;
}

export interface Task {
  id: string;
  feature: string;
  title: string;
  version: number;
  status: TaskStatus;
  progress: number;
  input: Values;
  output: Values | null;
  steps: Step[];
  error: TaskError | null;
  cost: number | null;
  model_used: string | null;
  mock: boolean;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  last_seq: number;
  questions?: Question[];
  files: Record<string, FileInfo>;
  form: FormSpec;
  output_form: FormSpec;
}

export interface TaskSummary {
  id: string;
  feature: string;
  title: string;
  version: number;
  status: TaskStatus;
  progress: number;
  cost: number | null;
  created_at: string;
  finished_at: string | null;
  thumbnail: string | null;
}

export interface Page<Item> {
  items: Item[];
  next: string | null;
}

export interface Quota {
  balance: number;
  held: number;
}
