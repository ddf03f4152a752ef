/** The wire of the flow editor: the graph, what the page hands over, and what the API answers. */

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };
/** JSON Schema 2020-12. Words in it are in the language that was asked for. */
export type Schema = JsonObject | boolean;
/** A text, or texts by language (`en`, `zh-hans`). */
export type Words = string | Record<string, string>;

// --- the graph --------------------------------------------------------------------------------

export interface Graph {
  /** Absent in graphs of the first version, which mean the same. The editor writes 2. */
  schema?: 1 | 2;
  variables?: Variable[];
  limits?: { seconds?: number; cost_micro?: number; steps?: number };
  nodes?: GraphNode[];
  edges?: GraphEdge[];
}

export interface Variable {
  name: string;
  schema: JsonObject;
  value?: Json;
  title?: Words;
}

export interface GraphNode {
  id: string;
  type: string;
  title?: Words;
  config?: JsonObject;
  /** Templates: `{{ node.output }}`, `{{ vars.name }}`, `{{ run.id }}`. One that is nothing else keeps the type. */
  inputs?: JsonObject;
  policy?: Policy;
  note?: string;
}

export interface Policy {
  /** Seconds of one attempt. */
  timeout?: number;
  retries?: number;
  /** Seconds before the first retry, doubled before each further one. */
  backoff?: number;
  on_error?: OnError;
  /** The output that stands when `on_error` is `fallback`. */
  fallback?: JsonObject;
  unknown?: Unknown;
  join?: "all" | "any";
}

export type OnError = "fail" | "continue" | "fallback";
export type Unknown = "retry" | "ask" | "fail";

export interface GraphEdge {
  source: string;
  target: string;
  /** The way out of the source: absent or "" for the usual one, `error` where `on_error` is `continue`. */
  when?: string;
}

/** Where things stand. It is no part of the graph: moving a box changes nothing that could be released. */
export interface Layout {
  positions?: Record<string, Point>;
  groups?: Group[];
  notes?: Note[];
}

export type Point = [x: number, y: number];

export interface Group {
  id: string;
  title?: Words;
  colour?: string;
  nodes: string[];
  collapsed?: boolean;
}

export interface Note {
  id: string;
  text: string;
  at: Point;
}

// --- the registry of node types ---------------------------------------------------------------

export interface Registry {
  version: string;
  types: NodeType[];
  limits: { nodes: number; depth: number; map_items: number };
}

export type Category = "flow" | "models" | "data" | "logic" | "tools" | "people";

export interface NodeType {
  type: string;
  label: string;
  help: string;
  category: Category;
  icon: string;
  doc: string;
  effect: "pure" | "read" | "effect";
  /** Whether a graph has exactly one. */
  single: boolean;
  config: { schema: JsonObject; ui: JsonObject; defaults: JsonObject };
  inputs: { schema: JsonObject; open: boolean };
  outputs: { schema: Schema | null };
  ports: Ports & { dynamic: "cases" | "options" | null };
  policy: {
    timeout: { default: number; max: number };
    retries: { default: number; max: number };
    on_error: OnError[];
    unknown: Unknown[];
  };
}

export interface Ports {
  in: { id: string }[];
  out: Port[];
}

export interface Port {
  /** What `when` of an edge says. */
  id: string;
  label: string;
}

/** What `x-widget` of a setting's schema may say. */
export type Widget =
  | "prompt" | "model" | "tool" | "pipeline" | "knowledge" | "host"
  | "cel" | "liquid" | "jmespath" | "schema" | "json" | "duration" | "text" | "code";

/** `POST pipelines/describe {graph, feature?, nodes?}`. */
export interface Described {
  nodes: Record<string, DescribedNode>;
}

export interface DescribedNode {
  inputs: Schema;
  outputs: Schema | null;
  ports: { out: Port[] };
  /** What its inputs may refer to. `sure` is false where it is missing on some way here. */
  scope: { path: string; type: string; title: string; sure: boolean }[];
}

/** `GET pipelines/parts`. */
export interface Parts {
  prompts: { key: string; name: string; variables: JsonObject[] }[];
  tools: Tool[];
  pipelines: { key: string; name: string; input: Schema | null; output: Schema | null }[];
  models: { model: string; capabilities: string[] }[];
  hosts: string[];
}

export interface Tool {
  address: string;
  title: string;
  description: string;
  input_schema: JsonObject;
  output_schema: JsonObject;
  repeatable: boolean;
}

// --- validating -------------------------------------------------------------------------------

/** `POST pipelines/validate {graph, key?, feature?}`. */
export interface Verdict {
  problems: Problem[];
  cost?: { worst_micro: number; unknown: string[] };
}

export interface Problem {
  code: string;
  message: string;
  /** The id of the node, or "". */
  node: string;
  /** A path below the node (`config.model`), or of `E_GRAPH_SHAPE` a JSON pointer into the graph. */
  field: string;
  severity: "error" | "warning";
}

// --- drafts -----------------------------------------------------------------------------------

export type Status = "draft" | "ready";

/** `GET pipelines/{key}`; its ETag is the revision. */
export interface Draft {
  key: string;
  name: string;
  status: Status;
  graph: Graph;
  layout: Layout;
  revision: number;
  updated_at: string;
  updated_by: string | null;
  used_by: { key: string; title: string }[];
  /** In the answer to a write. */
  problems?: Problem[];
}

/** `PATCH pipelines/{key}` with If-Match; of the layout alone without. `ready` is refused while there are problems. */
export type Change = Partial<Pick<Draft, "graph" | "layout" | "name" | "status">>;

/** Details of the 412 of a write that came too late. */
export interface Stale {
  revision: number;
  by: string | null;
  at: string;
}

/** `GET pipelines/{key}/history`. */
export interface HistoryEntry {
  n: number;
  at: string;
  by: string | null;
  revision: number;
  comment: string;
}

/** `POST pipelines/{key}/diff {from, to | graph}`. */
export interface GraphDiff {
  nodes: Record<string, { change: "added" | "removed" | "changed" | "moved"; fields: string[] }>;
  edges: { edge: GraphEdge; change: "added" | "removed" }[];
}

// --- the mount --------------------------------------------------------------------------------

/** The page's `json_script`, named by `data-source` of `[data-paiban="flow"]`. */
export interface FlowSource {
  id: number | null;
  key: string;
  readOnly: boolean;
  canRun: boolean;
  canRunReal: boolean;
  revision: number;
  graph: Graph;
  layout: Layout;
  /** Of the one feature that uses the pipeline. */
  feature: { key: string; form: JsonObject; ui?: JsonObject; output: JsonObject } | null;
  tokenUrl: string;
  urls: FlowUrls;
  language: "en" | "zh-hans";
  /** The id of the form's field that stays when the editor cannot be had. */
  fallback: string;
}

export interface FlowUrls {
  draft: string;
  nodes: string;
  parts: string;
  describe: string;
  validate: string;
  diff: string;
  history: string;
  test: string;
  trials: string;
  pins: string;
  cases: string;
}
