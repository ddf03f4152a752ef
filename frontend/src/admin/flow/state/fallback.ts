import { say } from "../words";
import type { Category, JsonObject, NodeType, Registry } from "../types";

interface Sketch {
  icon: string;
  category: Category;
  config?: JsonObject;
  required?: string[];
  takes?: JsonObject;
  needs?: string[];
  gives?: JsonObject | null;
  out?: string[];
  single?: boolean;
  effect?: NodeType["effect"];
  timeout?: number;
  order?: string[];
}

const TEXT = { type: "string" };
const TRUTH = { type: "boolean" };

/** The types that every server of this product has had from the start, for one that does not tell its list. */
const SKETCHES: Record<string, Sketch> = {
  start: { icon: "play", category: "flow", single: true, takes: {}, gives: null, config: { schema: { type: "object", title: "Schema", "x-widget": "schema" } } },
  end: { icon: "flag", category: "flow", single: true, out: [], gives: {} },
  prompt: { icon: "text", category: "models", config: { prompt: { ...TEXT, "x-widget": "prompt" } }, required: ["prompt"], gives: { system: TEXT, text: TEXT } },
  llm_chat: {
    icon: "chat", category: "models", effect: "read", timeout: 180, takes: { system: TEXT, text: TEXT }, needs: ["text"],
    config: {
      capability: { type: "string", enum: ["chat"], default: "chat" }, model: { ...TEXT, "x-widget": "model" },
      temperature: { type: "number", minimum: 0, maximum: 2 }, max_tokens: { type: "integer", minimum: 1, maximum: 200000 },
    },
    order: ["model", "temperature", "max_tokens", "capability"],
    gives: { text: TEXT, model: TEXT, mock: TRUTH, degraded: TRUTH },
  },
  mcp_tool: {
    icon: "tool", category: "tools", effect: "effect", timeout: 120, gives: null,
    config: { server: { ...TEXT, "x-widget": "tool" }, tool: TEXT }, required: ["server", "tool"],
  },
  condition: { icon: "split", category: "logic", config: { expression: { ...TEXT, "x-widget": "cel" } }, required: ["expression"], out: ["true", "false"], gives: { result: TRUTH } },
};

/** Only what the server takes today; the words are ours, as there is nobody to ask. */
export function fallbackRegistry(kinds: Record<string, string>): Registry {
  const types = Object.entries(SKETCHES).map(([type, sketch]) => drawn(type, sketch, kinds[type]));
  const others = Object.entries(kinds).filter(([type]) => !(type in SKETCHES));
  const unknown = others.map(([type, label]) => drawn(type, { icon: "", category: "data", gives: null }, label));
  return { version: "", types: [...types, ...unknown], limits: { nodes: 300, depth: 5, map_items: 10_000 } };
}

const PLAIN = { required: [], needs: [], out: [""], single: false, effect: "pure", timeout: 5 } as const;

function drawn(type: string, sketch: Sketch, label: string | undefined): NodeType {
  const full = { ...PLAIN, ...sketch };
  const { category, icon, effect, single } = full;
  const words = type in SKETCHES ? { label: say(`type.${type}` as "type.start"), help: say(`type.${type}.help` as "type.start.help") } : { label: type, help: "" };
  return {
    type, category, icon, effect, single,
    label: label ?? words.label,
    help: words.help,
    doc: "",
    config: { schema: { type: "object", properties: settings(sketch.config ?? {}), required: [...full.required] }, ui: sketch.order ? { "ui:order": sketch.order } : {}, defaults: {} },
    inputs: { schema: { type: "object", properties: sketch.takes ?? {}, required: [...full.needs], ...(sketch.takes ? { additionalProperties: false } : {}) }, open: !sketch.takes },
    outputs: { schema: sketch.gives ? { type: "object", properties: sketch.gives, additionalProperties: false } : null },
    ports: { in: [{ id: "in" }], out: full.out.map((id) => ({ id, label: id ? say(`port.${id}` as "port.true") : "" })), dynamic: null },
    policy: { timeout: { default: full.timeout, max: 600 }, retries: { default: 0, max: 5 }, on_error: ["fail", "continue", "fallback"], unknown: ["retry", "ask", "fail"] },
  };
}

const settings = (config: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(config).map(([name, schema]) => [name, { title: settingTitle(name), ...(schema as JsonObject) }]));

const SETTINGS = ["prompt", "model", "temperature", "max_tokens", "capability", "server", "tool", "expression", "schema"] as const;
const settingTitle = (name: string) => ((SETTINGS as readonly string[]).includes(name) ? say(`setting.${name as (typeof SETTINGS)[number]}`) : name);
