import { useMemo, useState } from "react";
import { Icon } from "../../../ui/icons";
import { useStore } from "../../../ui/store";
import { add } from "../actions";
import { iconFor } from "../canvas/icon";
import { look, useDesk, usePart } from "../desk";
import { walk } from "../inspector/VariablePicker";
import { nodesOf } from "../state/doc";
import type { Category, NodeType } from "../types";
import { say } from "../words";
import { Floating } from "./Floating";

const ORDER: Category[] = ["models", "logic", "data", "tools", "people", "flow"];
export const DRAGGED = "application/x-paiban-step";

/** Every kind of step, from the registry, to press or to drag onto the canvas. */
export function Palette() {
  const desk = useDesk();
  const open = usePart(desk.view, (view) => view.palette && view.inside.length === 0);
  if (!open || desk.readOnly) return null;
  return (
    <aside className="fe-palette" aria-label={say("palette.title")}>
      <Kinds onPick={(type) => add(desk, type)} onClose={() => look(desk, { palette: false })} draggable />
    </aside>
  );
}

/** Asked for where a line was let go, or in the middle of one. */
export function QuickAdd() {
  const desk = useDesk();
  const { adding } = useStore(desk.view);
  if (!adding) return null;
  const close = () => look(desk, { adding: null });
  return (
    <Floating at={adding.screen} label={say("palette.title")} onClose={close}>
      <Kinds onPick={(type) => add(desk, type, { at: adding.at, from: adding.from, edge: adding.edge })} onClose={close} focus />
    </Floating>
  );
}

function Kinds({ onPick, onClose, draggable, focus }: { onPick: (type: string) => void; onClose: () => void; draggable?: boolean; focus?: boolean }) {
  const desk = useDesk();
  const [query, setQuery] = useState("");
  const registry = usePart(desk.known, (known) => known.registry);
  const types = usePart(desk.editor.store, (state) => nodesOf(state.doc).map((node) => node.type).join(" "));
  const groups = useMemo(() => {
    const used = new Set(types.split(" "));
    const wanted = query.trim().toLowerCase();
    const fit = registry.types.filter((type) => !(type.single && used.has(type.type)) && `${type.label} ${type.help} ${type.type}`.toLowerCase().includes(wanted));
    return ORDER.map((category) => [category, fit.filter((type) => type.category === category)] as const).filter(([, list]) => list.length > 0);
  }, [registry, types, query]);
  const first = groups[0]?.[1][0];
  return (
    <div className="fe-kinds" onKeyDown={(event) => walk(event, onClose)}>
      <input className="input" type="search" autoFocus={focus} placeholder={say("palette.search")} aria-label={say("palette.search")} value={query} onChange={(event) => setQuery(event.target.value)} onKeyDown={(event) => event.key === "Enter" && first && onPick(first.type)} />
      {groups.length === 0 && <p className="fe-faint">{say("palette.none")}</p>}
      {groups.map(([category, list]) => (
        <section key={category}>
          <h4>{say(`category.${category}`)}</h4>
          {list.map((type) => <Kind key={type.type} type={type} draggable={draggable} onPick={() => onPick(type.type)} />)}
        </section>
      ))}
    </div>
  );
}

function Kind({ type, draggable, onPick }: { type: NodeType; draggable?: boolean; onPick: () => void }) {
  return (
    <button type="button" className="fe-kind-button" data-category={type.category} title={type.help} draggable={draggable} onClick={onPick}
      onDragStart={(event) => {
        event.dataTransfer.setData(DRAGGED, type.type);
        event.dataTransfer.effectAllowed = "copy";
      }}
    >
      <span className="fe-step__icon"><Icon name={iconFor(type)} size={16} /></span>
      <span><strong>{type.label}</strong>{type.help && <small>{type.help}</small>}</span>
    </button>
  );
}
