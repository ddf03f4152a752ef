import { say } from "../words";
import { without } from "./doc";
import type { Described, FlowSource, GraphNode, JsonObject, NodeType, Parts, Port, Registry, Schema, Tool } from "../types";

/** What the editor knows besides the graph: types, what there is to choose from, and what the server says of each node. */
export interface Knowledge {
  registry: Registry;
  /** Null while nobody says. */
  parts: Parts | null;
  described: Described | null;
  feature: FlowSource["feature"];
}

export function typeOf(registry: Registry, type: string): NodeType {
  return registry.types.find((one) => one.type === type) ?? strange(type);
}

/** A type that this server does not know: it is drawn and kept, and nothing is said about it. */
function strange(type: string): NodeType {
  return {
    type, label: type, help: "", category: "data", icon: "", doc: "", effect: "pure", single: false,
    config: { schema: { type: "object", additionalProperties: true }, ui: {}, defaults: {} },
    inputs: { schema: { type: "object" }, open: true },
    outputs: { schema: null },
    ports: { in: [{ id: "in" }], out: [{ id: "", label: "" }], dynamic: null },
    policy: { timeout: { default: 30, max: 600 }, retries: { default: 0, max: 5 }, on_error: ["fail", "continue", "fallback"], unknown: ["retry", "ask", "fail"] },
  };
}

/** The ways out of a node, from what is set in it; the server's own list wins where it is fresh enough to have been asked. */
export function portsOf(node: GraphNode, known: Knowledge): Port[] {
  const type = typeOf(known.registry, node.type);
  const ports = type.ports.dynamic ? dynamicPorts(node, type) : (known.described?.nodes[node.id]?.ports.out ?? type.ports.out);
  const goesOn = node.policy?.on_error === "continue" && !ports.some((port) => port.id === "error");
  return goesOn ? [...ports, { id: "error", label: say("port.error") }] : ports;
}

function dynamicPorts(node: GraphNode, type: NodeType): Port[] {
  const named = (id: string): Port => ({ id, label: id });
  if (type.ports.dynamic === "cases") {
    const cases = Array.isArray(node.config?.cases) ? node.config.cases : [];
    const keys = cases.map((one) => String((one as JsonObject | null)?.key ?? "")).filter(Boolean);
    return [...new Set(keys)].map(named).concat({ id: "default", label: say("port.default") });
  }
  const options = Array.isArray(node.config?.options) ? node.config.options.map(String).filter(Boolean) : [];
  const folded = node.config?.on_timeout === "option";
  return [...new Set(options)].map(named).concat(folded ? [] : [{ id: "timeout", label: say("port.timeout") }]);
}

/** What a node takes. */
export const inputsOf = (node: GraphNode, known: Knowledge): Schema =>
  ofParts(node, known)?.input ?? known.described?.nodes[node.id]?.inputs ?? typeOf(known.registry, node.type).inputs.schema;

interface Sides {
  input?: Schema | null;
  output?: Schema | null;
}

/** What the parts say that a node names: they are here at once, where the server's description comes a moment later. */
function ofParts(node: GraphNode, known: Knowledge): Sides | undefined {
  const end = endsOf(node, known);
  if (end) return end;
  const tool = toolOf(node, known);
  if (tool) return { input: tool.input_schema, output: tool.output_schema };
  const prompt = promptOf(node, known);
  if (prompt) return { input: promptInputs(prompt.variables) };
  // A map hands its pipeline one item at a time: only the server knows what that makes of the list.
  return node.type === "map" ? undefined : known.parts?.pipelines.find((one) => one.key === node.config?.pipeline);
}

export const isOpen = (node: GraphNode, known: Knowledge): boolean => {
  const schema = inputsOf(node, known);
  return typeof schema === "boolean" ? schema : schema.additionalProperties !== false;
};

/** What the feature hands in and expects; of a pipeline without one, what its start says. */
function endsOf(node: GraphNode, known: Knowledge): Sides | undefined {
  if (node.type === "end") return { input: known.feature?.output };
  return node.type === "start" ? { output: known.feature?.form ?? (node.config?.schema as Schema | undefined) } : undefined;
}

const promptOf = (node: GraphNode, known: Knowledge) => known.parts?.prompts.find((one) => one.key === node.config?.prompt);

function promptInputs(variables: JsonObject[]): JsonObject {
  const properties = Object.fromEntries(variables.map((one) => [String(one.name), without(without(one, "name"), "required")]));
  const required = variables.filter((one) => one.required === true || (one.required === undefined && one.default === undefined)).map((one) => String(one.name));
  return { type: "object", properties, required };
}

/** What a node gives; null where that shows only in the run. */
export const outputsOf = (node: GraphNode, known: Knowledge): Schema | null =>
  ofParts(node, known)?.output ?? known.described?.nodes[node.id]?.outputs ?? typeOf(known.registry, node.type).outputs.schema;

export function toolOf(node: GraphNode, known: Knowledge): Tool | undefined {
  const { server, tool, operation } = node.config ?? {};
  const address = tool ? `${String(server)}/${String(tool)}` : operation ? `image-tools/${String(operation)}` : null;
  return address ? known.parts?.tools.find((one) => one.address === address) : undefined;
}
