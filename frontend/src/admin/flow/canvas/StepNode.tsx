import { Handle, Position, type NodeProps } from "@xyflow/react";
import { memo } from "react";
import { Icon } from "../../../ui/icons";
import { nameOf } from "../actions";
import { useDesk, useNode, usePart, type Desk } from "../desk";
import { stepOf } from "../panes/trial";
import { edgesOf, nodesOf, type Doc } from "../state/doc";
import { fieldsOf, type Field } from "../state/kinds";
import { inputsOf, outputsOf, portsOf, typeOf, type Knowledge } from "../state/registry";
import { bindings } from "../state/scope";
import type { StepEvent } from "../trialTypes";
import type { GraphNode, Port, Problem } from "../types";
import { say, sayKinds, saySeconds } from "../words";
import { iconFor } from "./icon";
import { wayHandle, type Box } from "./model";

/** One step on the canvas: what it is, what is wrong with it, what it does in the test run, and its ways out. */
export const StepNode = memo(function StepNode({ id, selected }: NodeProps<Box>) {
  const desk = useDesk();
  const node = useNode(id);
  const known = usePart(desk.known, (value) => value);
  const problems = usePart(desk.checked, (value) => value.byNode.get(id));
  const run = usePart(desk.trial, (trial) => stepOf(trial, id));
  const change = usePart(desk.compared, (compared) => compared?.diff.nodes[id]?.change);
  const pinned = usePart(desk.shelf, (shelf) => shelf.pins.some((one) => one.node === id));
  const values = usePart(desk.view, (view) => view.values);
  if (!node) return null;
  const type = typeOf(known.registry, node.type);
  const name = nameOf(desk, node);
  const ports = portsOf(node, known);
  const level = levelOf(problems);
  return (
    <div
      className="fe-step" data-category={type.category} data-type={node.type} data-selected={selected || undefined} data-level={level}
      data-run={run?.status} data-change={change} data-values={values || undefined} data-pinned={pinned || undefined} data-step={id} tabIndex={selected ? 0 : -1} role="group"
      aria-roledescription={say("step.role")} aria-label={describe(desk, node, problems, run)}
    >
      {node.type !== "start" && <Handle type="target" position={Position.Left} id="in" className="fe-handle" />}
      <div className="fe-step__head">
        <span className="fe-step__icon"><Icon name={iconFor(type)} size={18} /></span>
        <span className="fe-step__text"><strong>{name}</strong><small>{name === type.label ? id : type.label}</small></span>
        <Marks problems={problems} level={level} run={run} pinned={pinned} />
      </div>
      {values && <Values node={node} known={known} desk={desk} />}
      <Ways node={node} ports={ports} desk={desk} />
    </div>
  );
});

const levelOf = (problems: Problem[] | undefined) => problems && (problems.some((one) => one.severity === "error") ? "error" : "warning");

function Marks({ problems, level, run, pinned }: { problems: Problem[] | undefined; level: string | undefined; run: StepEvent | undefined; pinned: boolean }) {
  return (
    <span className="fe-step__marks">
      {pinned && <span className="fe-pinned" title={say("pins.one", { id: "" }).trim()}>{say("pins.mark")}</span>}
      {run && <span className="fe-run" data-status={run.status} title={say(`run.${run.status}`)}>{run.duration === null || run.duration === undefined ? "" : saySeconds(run.duration)}</span>}
      {problems && <span className="fe-count" data-level={level} title={problems.map((one) => one.message).join("\n")}>{problems.length}</span>}
    </span>
  );
}

/** One way out stands in the middle of the card; several have a row each, with their names. */
function Ways({ node, ports, desk }: { node: GraphNode; ports: Port[]; desk: Desk }) {
  const strays = usePart(desk.editor.store, (state) => strayWays(state.doc, node.id, ports));
  const odd = strays ? strays.split("\n").map((id): Port => ({ id, label: id })) : [];
  if (ports.length === 0 && odd.length === 0) return null;
  const only = ports.length === 1 && odd.length === 0 && !ports[0]?.id ? ports[0] : null;
  if (only) return <Handle type="source" position={Position.Right} id={wayHandle("")} className="fe-handle" />;
  return (
    <ul className="fe-ways">
      {[...ports, ...odd].map((port, index) => (
        <li key={port.id} data-stray={index >= ports.length || undefined}>
          <span>{port.label || (port.id ? port.id : say("port.usual"))}</span>
          <Handle type="source" position={Position.Right} id={wayHandle(port.id)} className="fe-handle" />
        </li>
      ))}
    </ul>
  );
}

/** Ways that edges still take although the step no longer has them. */
const strayWays = (doc: Doc, id: string, ports: Port[]): string =>
  [...new Set(edgesOf(doc).filter((edge) => edge.source === id && !ports.some((port) => port.id === (edge.when ?? ""))).map((edge) => edge.when ?? ""))].join("\n");

function Values({ node, known, desk }: { node: GraphNode; known: Knowledge; desk: Desk }) {
  const taken = usePart(desk.editor.store, (state) => takenFrom(state.doc, node.id));
  const declared = fieldsOf(inputsOf(node, known));
  const names = [...new Set([...declared.map((field) => field.name), ...Object.keys(node.inputs ?? {})])];
  const told = fieldsOf(outputsOf(node, known));
  const unknown = taken.split(" ").filter((name) => name && !told.some((field) => field.name === name));
  const outputs = [...told, ...unknown.map((name): Field => ({ name, title: name, kinds: ["any"], required: false, schema: true }))];
  if (names.length + outputs.length === 0) return null;
  return (
    <div className="fe-values">
      <ul>
        {names.map((name) => {
          const field = declared.find((one) => one.name === name);
          const missing = field?.required && node.inputs?.[name] === undefined;
          return (
            <li key={name} data-missing={missing || undefined} title={sayKinds(field?.kinds ?? ["any"])}>
              <Handle type="target" position={Position.Left} id={`in:${name}`} className="fe-dot" data-kind={field?.kinds[0] ?? "any"} />
              {name}
            </li>
          );
        })}
      </ul>
      <ul>
        {outputs.map((field) => (
          <li key={field.name} title={sayKinds(field.kinds)}>
            {field.name}
            <Handle type="source" position={Position.Right} id={`out:${field.name}`} className="fe-dot" data-kind={field.kinds[0]} />
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Outputs that other steps use, whether or not anybody declares them. */
const takenFrom = (doc: Doc, id: string): string =>
  [...new Set(nodesOf(doc).flatMap((node) => bindings(node)).filter((one) => one.node === id && one.field).map((one) => one.field))].join(" ");

/** The whole card in one sentence, for readers. */
function describe(desk: Desk, node: GraphNode, problems: Problem[] | undefined, run: StepEvent | undefined): string {
  const targets = edgesOf(desk.editor.doc).filter((edge) => edge.source === node.id).map((edge) => edge.target);
  const parts = [nameOf(desk, node), typeOf(desk.known.get().registry, node.type).label];
  if (problems) parts.push(say(problems.length === 1 ? "problems.one" : "problems.count", { n: problems.length }));
  if (run) parts.push(say(`run.${run.status}`));
  parts.push(targets.length > 0 ? say("step.leads", { to: targets.join(", ") }) : say("step.leadsNowhere"));
  return parts.join(". ");
}
