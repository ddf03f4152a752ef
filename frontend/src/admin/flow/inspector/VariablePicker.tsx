import { useMemo, useState, type KeyboardEvent } from "react";
import { nameOf } from "../actions";
import { useDesk } from "../desk";
import { nodeOf } from "../state/doc";
import type { Variable } from "../state/scope";
import { say, sayKinds } from "../words";

interface Props {
  scope: Variable[];
  /** Why a variable cannot stand here; null when it can. */
  refuse: (one: Variable) => string | null;
  onPick: (path: string) => void;
  onClose: () => void;
}

/** What an input may refer to, by the step that gives it, with types. What does not fit says why. */
export function VariablePicker({ scope, refuse, onPick, onClose }: Props) {
  const desk = useDesk();
  const [query, setQuery] = useState("");
  const groups = useMemo(() => grouped(scope, query), [scope, query]);
  const nameFor = (id: string) => {
    const node = nodeOf(desk.editor.doc, id);
    return node ? nameOf(desk, node) : id === "vars" ? say("scope.vars") : id === "run" ? say("scope.run") : id;
  };
  return (
    <div className="fe-picker" role="group" aria-label={say("picker.title")} onKeyDown={(event) => walk(event, onClose)}>
      <input className="input" type="search" placeholder={say("picker.search")} aria-label={say("picker.search")} value={query} onChange={(event) => setQuery(event.target.value)} />
      {groups.length === 0 && <p className="fe-faint">{say(scope.length === 0 ? "picker.none" : "picker.noHit")}</p>}
      {groups.map(([node, variables]) => (
        <section key={node}>
          <h4>{nameFor(node)} <code>{node}</code></h4>
          <ul>
            {variables.map((one) => {
              const why = refuse(one);
              return (
                <li key={one.path}>
                  <button type="button" aria-disabled={why !== null || undefined} title={why ?? one.path} onClick={() => why === null && onPick(one.path)}>
                    <span>{one.title}{one.title !== one.path.slice(node.length + 1) && <code>{one.path.slice(node.length + 1)}</code>}</span>
                    <span className="fe-kind" data-kind={one.kinds[0]}>{sayKinds(one.kinds)}</span>
                    {why ? <small>{why}</small> : !one.sure && <small>{say("picker.unsure")}</small>}
                  </button>
                </li>
              );
            })}
          </ul>
        </section>
      ))}
    </div>
  );
}

function grouped(scope: Variable[], query: string): [string, Variable[]][] {
  const wanted = query.trim().toLowerCase();
  const groups = new Map<string, Variable[]>();
  for (const one of scope) {
    if (wanted && !`${one.path} ${one.title}`.toLowerCase().includes(wanted)) continue;
    groups.set(one.node, [...(groups.get(one.node) ?? []), one]);
  }
  return [...groups];
}

/** Arrows go up and down the list, Escape leaves it. */
export function walk(event: KeyboardEvent<HTMLElement>, onClose: () => void): void {
  if (event.key === "Escape") {
    event.stopPropagation();
    return onClose();
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  const stops = [...event.currentTarget.querySelectorAll<HTMLElement>("input, button")];
  const at = stops.findIndex((stop) => stop.matches(":focus"));
  stops[(at + step + stops.length) % stops.length]?.focus();
}
