import { useMemo } from "react";
import { Icon } from "../../../ui/icons";
import { createStore } from "../../../ui/store";
import { firstLook } from "../actions";
import { CanvasModel } from "../canvas/model";
import { look, newGuides, UNCHECKED, useDesk, usePart, type Desk, type Inside } from "../desk";
import type { Compared } from "../panes/compare";
import { NO_SHELF } from "../panes/shelf";
import { NO_TRIAL } from "../panes/trial";
import { placed } from "../state/arrange";
import { Editor } from "../state/editor";
import { readDoc } from "../state/reading";
import type { Knowledge } from "../state/registry";
import { say } from "../words";

/** The pipeline that is looked into at the moment, as a desk that only shows; none when it is the page's own. */
export function useInner(): Desk | null {
  const desk = useDesk();
  const inside = usePart(desk.view, (view) => view.inside.at(-1));
  return useMemo(() => (inside ? innerDesk(desk, inside) : null), [desk, inside]);
}

function innerDesk(desk: Desk, inside: Inside): Desk {
  const editor = new Editor(placed(readDoc(inside.graph, inside.layout).doc));
  const rf: Desk["rf"] = { current: null };
  const inner: Desk = {
    ...desk,
    readOnly: true,
    source: { ...desk.source, key: inside.key, canRun: false, feature: null },
    editor,
    canvas: new CanvasModel(editor),
    known: createStore<Knowledge>({ ...desk.known.get(), described: null, feature: null }),
    checked: createStore(UNCHECKED),
    trial: createStore(NO_TRIAL),
    shelf: createStore(NO_SHELF),
    compared: createStore<Compared | null>(null),
    guides: newGuides(),
    rf,
    setRf: (drawn) => {
      rf.current = drawn;
      firstLook(inner);
    },
  };
  return inner;
}

/** The way from the page's own pipeline to the one that is shown, and back. */
export function Breadcrumbs() {
  const desk = useDesk();
  const inside = usePart(desk.view, (view) => view.inside);
  if (inside.length === 0) return null;
  const last = inside.at(-1);
  return (
    <nav className="fe-crumbs" aria-label={say("crumbs.label")}>
      <ol>
        <li><button type="button" onClick={() => look(desk, { inside: [], side: null })}>{desk.source.key || say("side.pipeline")}</button></li>
        {inside.map((one, index) => (
          <li key={`${index}:${one.key}`}>
            <Icon name="forward" size={14} />
            <button type="button" aria-current={one === last ? "page" : undefined} onClick={() => look(desk, { inside: inside.slice(0, index + 1), side: null })}>{one.name || one.key}</button>
          </li>
        ))}
      </ol>
      <small>{say("crumbs.readOnly")}</small>
    </nav>
  );
}
