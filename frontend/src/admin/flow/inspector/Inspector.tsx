import { useState } from "react";
import { Button, IconButton } from "../../../ui/Button";
import { Icon } from "../../../ui/icons";
import { jumpTo, nameOf, remove, tell } from "../actions";
import { iconFor } from "../canvas/icon";
import { look, useChosen, useDesk, usePart } from "../desk";
import { edgeId, edgesOf, idsOf, isGoodId, removeEdges, renameNode, setNode } from "../state/doc";
import { portsOf, typeOf } from "../state/registry";
import type { GraphEdge, GraphNode, Problem } from "../types";
import { say } from "../words";
import { ConfigForm } from "./ConfigForm";
import { Inputs } from "./Inputs";
import { PolicyForm } from "./PolicyForm";
import { WordsField } from "./WordsField";

/** The selected step in full, made from what the registry says of its type. */
export function Inspector() {
  const desk = useDesk();
  const node = useChosen();
  const count = usePart(desk.editor.store, (state) => state.selected.size);
  if (!node) return <p className="fe-empty">{say(count > 1 ? "step.several" : "step.none", { n: count })}</p>;
  return <Step key={node.id} node={node} />;
}

function Step({ node }: { node: GraphNode }) {
  const desk = useDesk();
  const known = usePart(desk.known, (value) => value);
  const problems = usePart(desk.checked, (checked) => checked.byNode.get(node.id));
  const type = typeOf(known.registry, node.type);
  const inner = typeof node.config?.pipeline === "string" && node.config.pipeline;
  const set = (patch: Partial<GraphNode>, field: string) => desk.editor.change((doc) => setNode(doc, node.id, patch), `${field}:${node.id}`);
  return (
    <div className="fe-inspector">
      <header className="fe-inspector__head" data-category={type.category}>
        <span className="fe-step__icon"><Icon name={iconFor(type)} /></span>
        <span><strong>{nameOf(desk, node)}</strong><small>{type.help || type.label}</small></span>
        {type.doc && <a href={type.doc} target="_blank" rel="noreferrer" className="fe-help" aria-label={say("step.doc")} title={say("step.doc")}><Icon name="book" size={16} /></a>}
      </header>
      {problems && <Problems problems={problems} />}
      {inner && <Button icon="grid" className="button--small" onClick={() => void desk.enter(inner)}>{say("step.enter", { key: inner })}</Button>}
      <ConfigForm node={node} />
      <Inputs node={node} />
      <Joins node={node} />
      <details className="fe-part">
        <summary>{say("part.naming")}</summary>
        <div className="fe-part__body">
          <WordsField label={say("step.title")} value={node.title} readOnly={desk.readOnly} onChange={(title) => set({ title }, "title")} />
          <IdField node={node} />
          <label className="field">
            <span className="field__label">{say("step.note")}<span className="field__optional">{say("field.optional")}</span></span>
            <textarea className="input" rows={2} maxLength={2000} value={node.note ?? ""} readOnly={desk.readOnly} onChange={(event) => set({ note: event.target.value || undefined }, "note")} />
          </label>
        </div>
      </details>
      <PolicyForm node={node} type={type} />
      {!desk.readOnly && <footer><Button kind="quiet" icon="close" className="button--small" onClick={() => remove(desk, new Set([node.id]), new Set())}>{say("step.remove")}</Button></footer>}
    </div>
  );
}

function Problems({ problems }: { problems: Problem[] }) {
  const desk = useDesk();
  return (
    <ul className="fe-problems" aria-label={say("problems.title")}>
      {problems.map((one, index) => (
        <li key={index} data-level={one.severity}>
          <button type="button" onClick={() => jumpTo(desk, one.node, one.field || "config")}><span>{one.message}</span><small>{one.field ? `${one.field} · ` : ""}{one.code}</small></button>
        </li>
      ))}
    </ul>
  );
}

/** What comes before and after, as a list: lines can be drawn and taken away here without a pointer. */
function Joins({ node }: { node: GraphNode }) {
  const desk = useDesk();
  const doc = usePart(desk.editor.store, (state) => state.doc);
  const known = usePart(desk.known, (value) => value);
  const label = (edge: GraphEdge) => portsOf(node, known).find((port) => port.id === edge.when)?.label || edge.when;
  const rows = [
    ...edgesOf(doc).filter((edge) => edge.target === node.id).map((edge) => ({ edge, other: edge.source, word: say("join.from"), when: edge.when })),
    ...edgesOf(doc).filter((edge) => edge.source === node.id).map((edge) => ({ edge, other: edge.target, word: say("join.to"), when: edge.when ? label(edge) : "" })),
  ];
  return (
    <section className="fe-part" data-part="edges">
      <h3>{say("part.joins")}</h3>
      {rows.length === 0 && <p className="fe-faint">{say("join.none")}</p>}
      <ul className="fe-joins">
        {rows.map(({ edge, other, word, when }) => (
          <li key={edgeId(edge)}>
            <small>{word}</small>
            <button type="button" onClick={() => jumpTo(desk, other)}>{other}</button>
            {when && <span className="fe-kind">{when}</span>}
            {!desk.readOnly && <IconButton icon="close" label={say("join.remove", { id: other })} onClick={() => desk.editor.change((now) => removeEdges(now, new Set([edgeId(edge)])))} />}
          </li>
        ))}
      </ul>
      {!desk.readOnly && node.type !== "end" && <Button kind="quiet" icon="forward" className="button--small" onClick={() => look(desk, { dialog: "connect" })}>{say("join.add")}</Button>}
    </section>
  );
}

/** The id as other steps write it. Changing it changes all of them. */
function IdField({ node }: { node: GraphNode }) {
  const desk = useDesk();
  const [typed, setTyped] = useState(node.id);
  const taken = typed !== node.id && idsOf(desk.editor.doc).has(typed);
  const wrong = !isGoodId(typed) ? say("step.idShape") : taken ? say("step.idTaken") : "";
  const rename = () => {
    if (wrong || typed === node.id) return;
    desk.editor.change((doc) => renameNode(doc, node.id, typed));
    desk.editor.select([typed]);
    tell(desk, say("step.renamed", { from: node.id, to: typed }));
  };
  return (
    <label className="field">
      <span className="field__label">{say("step.id")}</span>
      <input className="input fe-code" value={typed} readOnly={desk.readOnly} maxLength={40} spellCheck={false} aria-invalid={wrong !== ""} onChange={(event) => setTyped(event.target.value)} onBlur={rename} onKeyDown={(event) => event.key === "Enter" && rename()} />
      {wrong ? <span className="field__error" role="alert">{wrong}</span> : <span className="field__help">{say("step.idHint", { id: node.id })}</span>}
    </label>
  );
}
