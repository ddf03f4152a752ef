import { Handle, Position, type NodeProps } from "@xyflow/react";
import { memo } from "react";
import { IconButton } from "../../../ui/Button";
import { Icon } from "../../../ui/icons";
import { fold } from "../actions";
import { useDesk, usePart } from "../desk";
import { groupsOf, notesOf, withLayout } from "../state/doc";
import { typeOf } from "../state/registry";
import { say, titleOf } from "../words";
import { iconFor } from "./icon";
import { idIn, type Box } from "./model";

/** A frame round steps that belong together; folded, it is one card that stands for them. */
export const GroupNode = memo(function GroupNode({ id, selected }: NodeProps<Box>) {
  const desk = useDesk();
  const group = usePart(desk.editor.store, (state) => groupsOf(state.doc).find((one) => one.id === idIn(id)));
  if (!group) return null;
  const change = (title: string) => desk.editor.change((doc) =>
    withLayout(doc, { groups: groupsOf(doc).map((one) => (one.id === group.id ? { ...one, title } : one)) }), `group:${group.id}`);
  return (
    <div className="fe-group" data-colour={group.colour ?? "cyan"} data-selected={selected || undefined} data-folded={group.collapsed || undefined}>
      {group.collapsed && <Handle type="target" position={Position.Left} id="in" className="fe-handle" isConnectable={false} />}
      <header>
        <IconButton icon={group.collapsed ? "forward" : "down"} label={say(group.collapsed ? "group.unfold" : "group.fold")} className="nodrag" onClick={() => fold(desk, group.id, !group.collapsed)} />
        <input className="nodrag" aria-label={say("group.title")} value={titleOf(group.title, "")} placeholder={say("group.new")} readOnly={desk.readOnly} onChange={(event) => change(event.target.value)} />
        <small>{say("group.count", { n: group.nodes.length })}</small>
      </header>
      {group.collapsed && <Handle type="source" position={Position.Right} id="out" className="fe-handle" isConnectable={false} />}
    </div>
  );
});

/** Words for colleagues beside the flow. */
export const NoteNode = memo(function NoteNode({ id, selected }: NodeProps<Box>) {
  const desk = useDesk();
  const note = usePart(desk.editor.store, (state) => notesOf(state.doc).find((one) => one.id === idIn(id)));
  if (!note) return null;
  const change = (text: string) => desk.editor.change((doc) =>
    withLayout(doc, { notes: notesOf(doc).map((one) => (one.id === note.id ? { ...one, text } : one)) }), `note:${note.id}`);
  return (
    <div className="fe-note" data-selected={selected || undefined}>
      <textarea className="nodrag nowheel" aria-label={say("note.label")} placeholder={say("note.hint")} value={note.text} readOnly={desk.readOnly} maxLength={2000} onChange={(event) => change(event.target.value)} />
    </div>
  );
});

/** A step that the version compared with had, and that is gone. */
export const GhostNode = memo(function GhostNode({ id }: NodeProps<Box>) {
  const desk = useDesk();
  const node = usePart(desk.compared, (compared) => compared?.ghosts[idIn(id)]);
  const registry = usePart(desk.known, (known) => known.registry);
  if (!node) return null;
  const type = typeOf(registry, node.type);
  return (
    <div className="fe-step" data-change="removed" data-category={type.category}>
      <Handle type="target" position={Position.Left} id="in" className="fe-handle" isConnectable={false} />
      <div className="fe-step__head">
        <span className="fe-step__icon"><Icon name={iconFor(type)} size={18} /></span>
        <span className="fe-step__text"><strong>{titleOf(node.title, type.label)}</strong><small>{say("diff.removed")}</small></span>
      </div>
      <Handle type="source" position={Position.Right} id="out" className="fe-handle" isConnectable={false} />
    </div>
  );
});
