import type { FieldProps, WidgetProps } from "@rjsf/utils";
import { useMemo } from "react";
import type { Schema, UiSchema, Values } from "../../../api/types";
import { SchemaForm } from "../../../forms/SchemaForm";
import { useDesk, usePart } from "../desk";
import { setNode } from "../state/doc";
import { equal } from "../state/merge";
import { toolOf, typeOf, type Knowledge } from "../state/registry";
import type { GraphNode, Json, JsonObject } from "../types";
import { say } from "../words";
import { JsonBox } from "./JsonBox";
import { drawable, given, uiOf } from "./settings";

/** The settings of a step, from the schema that the server gives for its type. */
export function ConfigForm({ node }: { node: GraphNode }) {
  const desk = useDesk();
  const known = usePart(desk.known, (value) => value);
  const type = typeOf(known.registry, node.type);
  const picksTool = isToolPair(type.config.schema) && (known.parts?.tools.length ?? 0) > 0;
  const spec = useMemo(() => {
    const schema = drawable(type.config.schema);
    const ui = uiOf(type, WIDGETS);
    if (picksTool) for (const name of ["server", "tool"]) ui[name] = { "ui:widget": "hidden" };
    return { schema: schema as unknown as Schema, uiSchema: ui as UiSchema };
  }, [type, picksTool]);
  if (Object.keys(spec.schema.properties ?? {}).length === 0) return null;
  const change = (values: Values) => {
    const config = given(values as JsonObject, node.config ?? {}, type.config.schema);
    // The form fills in what a schema suggests; looking at a step must not change it.
    if (!desk.readOnly && !equal(config, node.config ?? {})) desk.editor.change((doc) => setNode(doc, node.id, { config }), `config:${node.id}`);
  };
  return (
    <section className="fe-part" data-part="config">
      <h3>{say("part.config")}</h3>
      {picksTool && <ToolPicker node={node} known={known} disabled={desk.readOnly} onPick={(server, tool) => change({ ...node.config, server, tool })} />}
      <SchemaForm key={node.id} id="fe-config" spec={spec} values={(node.config ?? {}) as Values} disabled={desk.readOnly} onChange={change} onSubmit={() => {}} />
    </section>
  );
}

const isToolPair = (schema: JsonObject) => ["server", "tool"].every((name) => (schema.properties as JsonObject | undefined)?.[name] !== undefined);

function ToolPicker({ node, known, disabled, onPick }: { node: GraphNode; known: Knowledge; disabled: boolean; onPick: (server: string, tool: string) => void }) {
  const { server, tool } = node.config ?? {};
  const address = server && tool ? `${String(server)}/${String(tool)}` : "";
  const chosen = toolOf(node, known);
  const pick = (value: string) => {
    const [first = "", ...rest] = value.split("/");
    onPick(first, rest.join("/"));
  };
  return (
    <label className="field" data-field="config.tool">
      <span className="field__label">{say("setting.tool")}</span>
      <select className="input select" value={address} disabled={disabled} onChange={(event) => pick(event.target.value)}>
        {!address && <option value="">{say("pick.choose")}</option>}
        {address && !chosen && <option value={address}>{address}</option>}
        {known.parts?.tools.map((one) => <option key={one.address} value={one.address}>{one.title || one.address}</option>)}
      </select>
      {chosen?.description && <span className="field__help">{chosen.description}</span>}
    </label>
  );
}

/** A text that names something which the server has: suggested where it says what there is, free text otherwise. */
function NameWidget({ id, value, label, options, disabled, readonly, onChange }: WidgetProps) {
  const desk = useDesk();
  const parts = usePart(desk.known, (known) => known.parts);
  const names = namesFor(String(options.kind), parts);
  const text = String(value ?? "");
  const write = (next: string) => onChange(next === "" ? options.emptyValue : next);
  if (names.length === 0 || options.kind === "model" || options.kind === "host") {
    return (
      <>
        <input id={id} className="input" aria-label={label} list={`${id}-names`} value={text} disabled={disabled} readOnly={readonly} onChange={(event) => write(event.target.value)} />
        <datalist id={`${id}-names`}>{names.map(([key, name]) => <option key={key} value={key}>{name}</option>)}</datalist>
      </>
    );
  }
  return (
    <select id={id} className="input select" aria-label={label} value={text} disabled={disabled || readonly} onChange={(event) => write(event.target.value)}>
      <option value="">{say("pick.choose")}</option>
      {text && !names.some(([key]) => key === text) && <option value={text}>{text}</option>}
      {names.map(([key, name]) => <option key={key} value={key}>{name === key ? key : `${name} (${key})`}</option>)}
    </select>
  );
}

type Named = [key: string, name: string];

function namesFor(kind: string, parts: Knowledge["parts"]): Named[] {
  if (!parts) return [];
  const lists: Record<string, () => Named[]> = {
    prompt: () => parts.prompts.map((one): Named => [one.key, one.name]),
    pipeline: () => parts.pipelines.map((one): Named => [one.key, one.name]),
    model: () => parts.models.map((one): Named => [one.model, one.model]),
    tool: () => parts.tools.map((one): Named => [one.address, one.title]),
    host: () => parts.hosts.map((one): Named => [one, one]),
  };
  return lists[kind]?.() ?? [];
}

/** Something written in a language of its own. */
function CodeWidget({ id, value, label, options, disabled, readonly, onChange }: WidgetProps) {
  return (
    <textarea id={id} className="input fe-code" aria-label={label} rows={3} spellCheck={false} autoCapitalize="off" value={String(value ?? "")} disabled={disabled} readOnly={readonly}
      onChange={(event) => onChange(event.target.value === "" ? options.emptyValue : event.target.value)} />
  );
}

function WholeField({ formData, onChange, fieldPathId, schema, name, disabled, required }: FieldProps) {
  return (
    <div className="field">
      <JsonBox label={schema.title ?? name} optional={!required} value={formData as Json | undefined} disabled={disabled} onChange={(value) => onChange(value, fieldPathId.path)} />
    </div>
  );
}

const WIDGETS = {
  text: {
    prompt: NameWidget, model: NameWidget, tool: NameWidget, pipeline: NameWidget, knowledge: NameWidget, host: NameWidget,
    cel: CodeWidget, liquid: CodeWidget, jmespath: CodeWidget, code: CodeWidget, text: CodeWidget,
  },
  whole: WholeField,
};
