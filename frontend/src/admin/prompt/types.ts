/** The wire of the prompt editor: what the page hands over, and what the API answers. */

export interface EditorSource {
  /** Null on the page that adds a prompt. */
  key: string | null;
  readOnly: boolean;
  /** The model that the prompt is tried on unless another is chosen; empty where it names none. */
  model: string;
  /** Present where the page has no fields, because its reader may only look. */
  values: Partial<Record<Field, unknown>>;
  errors: Record<string, string[]>;
  tokenUrl: string;
  canTry: boolean;
}

export interface Variable {
  name: string;
  type?: string;
  required?: boolean;
  default?: unknown;
  description?: string;
  choices?: unknown[];
  [further: string]: unknown;
}

export type Field = "system" | "body" | "variables";

export interface Problem {
  code: string;
  level: "error" | "warning";
  field: Field;
  /** Counted from 1, columns in units of UTF-16, as the editor counts. */
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
  message: string;
}

export interface Origin {
  field: "system" | "body";
  key: string;
  start: number;
  end: number;
}

export interface Mistyped {
  name: string;
  expected: string;
  given: string;
}

export interface Preview {
  system: string;
  body: string;
  missingVars: string[];
  unused: string[];
  mistyped: Mistyped[];
  problems: Problem[];
  /** Where included texts stand in what was rendered, in units of UTF-16; inner ones lie within outer ones. */
  origins: Origin[];
  tokens: { system: number; body: number; total: number; by: string };
  price: { model: string; input_micro: number } | null;
}

export interface Words {
  filters: { name: string; signature: string; help: string }[];
  tags: { name: string; help: string }[];
  types: string[];
  prompts: { key: string; name: string; variables: Variable[]; versions: number[]; labels: Record<string, number> }[];
}

export interface Message {
  role: "system" | "user";
  content: string;
}

export interface ChatRequest {
  model?: string;
  messages: Message[];
  temperature?: number;
  max_tokens?: number;
  stream: true;
}
