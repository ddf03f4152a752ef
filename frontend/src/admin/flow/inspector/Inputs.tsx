import { useMemo, useState } from "react";
import { Button } from "../../../ui/Button";
import { useDesk, usePart } from "../desk";
import { setNode, without } from "../state/doc";
import { fieldsOf, type Kind } from "../state/kinds";
import { inputsOf, isOpen } from "../state/registry";
import { scopeOf } from "../state/scope";
import type { GraphNode, Json } from "../types";
import { say } from "../words";
import { TemplateField } from "./TemplateField";

const ANY: Kind[] = ["any"];

/** What the step is given: the inputs that its type declares, and further ones where it takes any. */
export function Inputs({ node }: { node: GraphNode }) {
  const desk = useDesk();
  const doc = usePart(desk.editor.store, (state) => state.doc);
  const known = usePart(desk.known, (value) => value);
  const scope = useMemo(() => scopeOf(doc, node.id, known), [doc, node.id, known]);
  const declared = fieldsOf(inputsOf(node, known));
  const extra = Object.keys(node.inputs ?? {}).filter((name) => !declared.some((field) => field.name === name));
  if (node.type === "start") return null;
  const set = (name: string, value: Json | undefined) => {
    const inputs = value === undefined ? without(node.inputs, name) : { ...node.inputs, [name]: value };
    desk.editor.change((now) => setNode(now, node.id, { inputs }), `input:${node.id}.${name}`);
  };
  const common = { scope, readOnly: desk.readOnly };
  return (
    <section className="fe-part" data-part="inputs">
      <h3>{say("part.inputs")}</h3>
      {declared.map((field) => (
        <TemplateField key={field.name} {...common} name={field.name} title={field.title} wanted={field.kinds} required={field.required} value={node.inputs?.[field.name]} onChange={(value) => set(field.name, value)} />
      ))}
      {extra.map((name) => (
        <TemplateField key={name} {...common} name={name} title={name} wanted={ANY} required={false} value={node.inputs?.[name]} onChange={(value) => set(name, value ?? "")} onRemove={() => set(name, undefined)} />
      ))}
      {declared.length + extra.length === 0 && <p className="fe-faint">{say("input.none")}</p>}
      {!desk.readOnly && isOpen(node, known) && <NewInput taken={[...declared.map((field) => field.name), ...extra]} onAdd={(name) => set(name, "")} />}
    </section>
  );
}

function NewInput({ taken, onAdd }: { taken: string[]; onAdd: (name: string) => void }) {
  const [name, setName] = useState("");
  const good = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name) && !taken.includes(name);
  const add = () => {
    if (!good) return;
    onAdd(name);
    setName("");
  };
  return (
    <div className="fe-new">
      <input className="input fe-code" value={name} placeholder={say("input.newName")} aria-label={say("input.newName")} onChange={(event) => setName(event.target.value)} onKeyDown={(event) => event.key === "Enter" && add()} />
      <Button icon="plus" className="button--small" disabled={!good} onClick={add}>{say("input.add")}</Button>
    </div>
  );
}
