import { useState } from "react";
import { Button, IconButton } from "../../../ui/Button";
import { JsonBox } from "../inspector/JsonBox";
import { useDesk, usePart } from "../desk";
import { withGraph, without } from "../state/doc";
import type { Graph, JsonObject, Variable } from "../types";
import { say } from "../words";

type LimitName = "seconds" | "cost_micro" | "steps";
const CREDIT = 1_000_000;
const TYPES = ["string", "integer", "number", "boolean", "array", "object"] as const;

/** What belongs to the whole pipeline: values for all steps, and how much a run may take. */
export function PipelinePane() {
  const desk = useDesk();
  const graph = usePart(desk.editor.store, (state) => state.doc.graph);
  const set = (patch: Partial<Graph>, tag: string) => desk.editor.change((doc) => withGraph(doc, patch), tag);
  const variables = graph.variables ?? [];
  const setVariable = (index: number, patch: Partial<Variable>) =>
    set({ variables: variables.map((one, at) => (at === index ? { ...one, ...patch } : one)) }, `variable:${index}`);
  const limit = (name: LimitName, scale: number) => {
    const value = graph.limits?.[name];
    const write = (text: string) => {
      const rest = without(graph.limits, name);
      const limits = text === "" ? rest : { ...rest, [name]: Math.round(Number(text) * scale) };
      set({ limits: Object.keys(limits).length === 0 ? undefined : limits }, `limit:${name}`);
    };
    return (
      <label className="field">
        <span className="field__label">{say(`limit.${name}`)}<span className="field__optional">{say("field.optional")}</span></span>
        <input className="input" type="number" min={0} step="any" value={value === undefined ? "" : value / scale} readOnly={desk.readOnly} onChange={(event) => write(event.target.value)} />
      </label>
    );
  };
  return (
    <div className="fe-inspector">
      <section className="fe-part">
        <h3>{say("pipeline.variables")}</h3>
        <p className="fe-faint">{say("pipeline.variablesHint")}</p>
        {variables.map((one, index) => (
          <VariableRow key={index} variable={one} readOnly={desk.readOnly} onChange={(patch) => setVariable(index, patch)} onRemove={() => set({ variables: variables.filter((_one, at) => at !== index) }, "")} />
        ))}
        {!desk.readOnly && <Button icon="plus" className="button--small" onClick={() => set({ variables: [...variables, { name: freeName(variables), schema: { type: "string" } }] }, "")}>{say("pipeline.addVariable")}</Button>}
      </section>
      <section className="fe-part">
        <h3>{say("pipeline.limits")}</h3>
        {limit("seconds", 1)}
        {limit("steps", 1)}
        {limit("cost_micro", CREDIT)}
      </section>
    </div>
  );
}

function freeName(variables: Variable[]): string {
  for (let n = 1; ; n += 1) if (!variables.some((one) => one.name === `value_${n}`)) return `value_${n}`;
}

function VariableRow({ variable, readOnly, onChange, onRemove }: { variable: Variable; readOnly: boolean; onChange: (patch: Partial<Variable>) => void; onRemove: () => void }) {
  const [name, setName] = useState(variable.name);
  const good = /^[a-z][a-z0-9_]{0,39}$/.test(name);
  const type = typeof variable.schema.type === "string" ? variable.schema.type : "string";
  return (
    <div className="fe-variable">
      <input className="input fe-code" aria-label={say("pipeline.name")} aria-invalid={!good} value={name} readOnly={readOnly} onChange={(event) => setName(event.target.value)} onBlur={() => good && name !== variable.name && onChange({ name })} />
      <select className="input select" aria-label={say("pipeline.type")} value={type} disabled={readOnly} onChange={(event) => onChange({ schema: { ...variable.schema, type: event.target.value } as JsonObject })}>
        {TYPES.map((one) => <option key={one} value={one}>{say(`json.${one}`)}</option>)}
      </select>
      {!readOnly && <IconButton icon="close" label={say("pipeline.removeVariable", { name: variable.name })} onClick={onRemove} />}
      <div className="fe-variable__value">
        {type === "string"
          ? <input className="input" aria-label={say("pipeline.value")} placeholder={say("pipeline.value")} value={typeof variable.value === "string" ? variable.value : ""} readOnly={readOnly} onChange={(event) => onChange({ value: event.target.value })} />
          : <JsonBox label={say("pipeline.value")} rows={1} value={variable.value} disabled={readOnly} onChange={(value) => onChange({ value })} />}
      </div>
    </div>
  );
}
