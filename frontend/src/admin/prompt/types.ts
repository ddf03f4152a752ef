/** The wire of the prompt editor: what the page hands over, and what the API answers. */

export interface EditorSource {
  /** Null on the page that adds a prompt. */
  key: string | null;
  readOnly: boolean;
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
  level: "error" | "warning" | "break" | "info";
  field: Field;
  line: number | null;
  column: number | null;
  endLine: number | null;
  endColumn: number | null;
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
  /** Where included texts stand in what was rendered, counted in code points. */
  origins?: Origin[];
  tokens: { system: number; body: number; total: number; by: string };
  price: { model: string; input_micro: number } | null;
}

export interface Words {
  filters: { name: string; signature: string; help: string }[];
  tags: { name: string; help: string }[];
  types: string[];
  prompts: { key: string; name: string; variables: Variable[]; versions: number[]; labels: string[] }[];
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
