import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { Button, IconButton } from "../../../ui/Button";
import { useStore } from "../../../ui/store";
import { join, jumpTo, nameOf, sayRefusal, tell } from "../actions";
import { look, useChosen, useDesk, usePart } from "../desk";
import { walk } from "../inspector/VariablePicker";
import { nodesOf } from "../state/doc";
import { readDoc } from "../state/reading";
import { placed } from "../state/arrange";
import { portsOf, typeOf } from "../state/registry";
import { refusal } from "../state/scope";
import { copyText } from "../../prompt/clipboard";
import { say, type Word } from "../words";

export function Dialogs() {
  const desk = useDesk();
  const { dialog } = useStore(desk.view);
  const close = () => look(desk, { dialog: null });
  if (dialog === "search") return <Search onClose={close} />;
  if (dialog === "connect") return <Connect onClose={close} />;
  if (dialog === "keys") return <Keys onClose={close} />;
  if (dialog === "json") return <AsJson onClose={close} />;
  return null;
}

/** A window within the editor: it holds the keyboard until it is closed. Without `onClose` it has to be answered. */
export function Dialog({ label, wide, onClose, children }: { label: string; wide?: boolean; onClose?: () => void; children: ReactNode }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const own = box.current;
    const before = (own?.getRootNode() as ShadowRoot | Document | undefined)?.activeElement as HTMLElement | null | undefined;
    if (own && !own.open) own.showModal();
    return () => {
      own?.close();
      // A window that is taken out of the page gives the keyboard back to nobody.
      if (before?.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog ref={box} className="fe-dialog" data-wide={wide || undefined} aria-label={label} onCancel={(event) => { event.preventDefault(); onClose?.(); }} onClick={(event) => event.target === box.current && onClose?.()} onKeyDown={(event) => event.stopPropagation()}>
      <header><h3>{label}</h3>{onClose && <IconButton icon="close" label={say("dialog.close")} onClick={onClose} />}</header>
      {children}
    </dialog>
  );
}

/** Finds a step by its name, id, type or anything that is set in it. */
function Search({ onClose }: { onClose: () => void }) {
  const desk = useDesk();
  const [query, setQuery] = useState("");
  const registry = usePart(desk.known, (known) => known.registry);
  const hits = useMemo(() => {
    const wanted = query.trim().toLowerCase();
    return nodesOf(desk.editor.doc)
      .map((node) => ({ node, name: nameOf(desk, node), kind: typeOf(registry, node.type).label }))
      .filter(({ node, name, kind }) => `${node.id} ${name} ${kind} ${JSON.stringify([node.config, node.inputs, node.note])}`.toLowerCase().includes(wanted))
      .slice(0, 50);
  }, [desk, registry, query]);
  const go = (id: string) => {
    onClose();
    jumpTo(desk, id);
  };
  return (
    <Dialog label={say("search.title")} onClose={onClose}>
      <div className="fe-search" onKeyDown={(event) => walk(event, onClose)}>
        <input className="input" type="search" autoFocus value={query} placeholder={say("search.hint")} aria-label={say("search.hint")} onChange={(event) => setQuery(event.target.value)} onKeyDown={(event) => event.key === "Enter" && hits[0] && go(hits[0].node.id)} />
        <p className="fe-faint" role="status">{say("search.count", { n: hits.length })}</p>
        <div className="fe-list">
          {hits.map(({ node, name, kind }) => <button key={node.id} type="button" onClick={() => go(node.id)}><strong>{name}</strong><small>{kind} · <code>{node.id}</code></small></button>)}
        </div>
      </div>
    </Dialog>
  );
}

/** Draws a line without a pointer: which way out, and where to. What cannot be joined says why. */
function Connect({ onClose }: { onClose: () => void }) {
  const desk = useDesk();
  const node = useChosen();
  const known = usePart(desk.known, (value) => value);
  const ports = node ? portsOf(node, known) : [];
  const [when, setWhen] = useState(ports[0]?.id ?? "");
  const [query, setQuery] = useState("");
  if (!node) return null;
  const wanted = query.trim().toLowerCase();
  const targets = nodesOf(desk.editor.doc).filter((other) => other.id !== node.id && `${other.id} ${nameOf(desk, other)}`.toLowerCase().includes(wanted));
  const draw = (target: string) => {
    if (join(desk, { source: node.id, target, when })) onClose();
  };
  return (
    <Dialog label={say("connect.title", { from: nameOf(desk, node) })} onClose={onClose}>
      {ports.length === 0 && <p>{say("refuse.noOut")}</p>}
      {ports.length > 1 && (
        <label className="field">
          <span className="field__label">{say("connect.way")}</span>
          <select className="input select" value={when} onChange={(event) => setWhen(event.target.value)}>
            {ports.map((port) => <option key={port.id} value={port.id}>{port.label || port.id || say("port.usual")}</option>)}
          </select>
        </label>
      )}
      {ports.length > 0 && (
        <div className="fe-search" onKeyDown={(event) => walk(event, onClose)}>
          <input className="input" type="search" autoFocus value={query} placeholder={say("connect.to")} aria-label={say("connect.to")} onChange={(event) => setQuery(event.target.value)} />
          <div className="fe-list">
            {targets.map((other) => {
              const why = refusal(desk.editor.doc, { source: node.id, target: other.id, when });
              return (
                <button key={other.id} type="button" aria-disabled={why !== null || undefined} onClick={() => why === null && draw(other.id)}>
                  <strong>{nameOf(desk, other)}</strong><small>{why ? sayRefusal(why) : <code>{other.id}</code>}</small>
                </button>
              );
            })}
          </div>
        </div>
      )}
    </Dialog>
  );
}

const KEYS: [Word, string][] = [
  ["bar.add", "A"], ["keys.walk", "Alt ← → ↑ ↓"], ["keys.move", "← → ↑ ↓"], ["keys.moveFar", "Shift ← → ↑ ↓"], ["keys.open", "Enter"], ["join.add", "C"],
  ["menu.copy", "Ctrl C"], ["menu.cut", "Ctrl X"], ["menu.paste", "Ctrl V"], ["menu.duplicate", "Ctrl D"], ["menu.remove", "Del"], ["menu.all", "Ctrl A"],
  ["keys.box", "Shift + drag"], ["menu.group", "Ctrl G"], ["bar.undo", "Ctrl Z"], ["bar.redo", "Ctrl Shift Z"], ["search.title", "Ctrl F"], ["bar.arrange", "L"],
  ["bar.fit", "F"], ["bar.values", "V"], ["keys.zoom", "+ −"], ["keys.save", "Ctrl S"], ["keys.leave", "Esc"],
];

function Keys({ onClose }: { onClose: () => void }) {
  return (
    <Dialog label={say("bar.keys")} wide onClose={onClose}>
      <dl className="fe-keys">
        {KEYS.map(([word, keys]) => <div key={word}><dt>{keys.split(" ").map((key, index) => <kbd key={index}>{key}</kbd>)}</dt><dd>{say(word)}</dd></div>)}
      </dl>
    </Dialog>
  );
}

/** The graph as text, for those who would rather write it, and to take it elsewhere. */
function AsJson({ onClose }: { onClose: () => void }) {
  const desk = useDesk();
  const [text, setText] = useState(() => JSON.stringify(desk.editor.doc.graph, null, 2));
  const [wrong, setWrong] = useState("");
  const apply = () => {
    try {
      const { doc, whole } = readDoc(JSON.parse(text), desk.editor.doc.layout);
      if (!whole) return setWrong(say("json.notDrawable"));
      desk.editor.change(() => placed(doc));
      tell(desk, say("json.applied"));
      onClose();
    } catch {
      setWrong(say("json.broken"));
    }
  };
  return (
    <Dialog label={say("json.title")} wide onClose={onClose}>
      <textarea className="input fe-code fe-json" spellCheck={false} aria-label={say("json.title")} aria-invalid={wrong !== ""} value={text} readOnly={desk.readOnly} onChange={(event) => { setText(event.target.value); setWrong(""); }} />
      {wrong && <p className="field__error" role="alert">{wrong}</p>}
      <footer>
        <Button kind="quiet" icon="copy" onClick={() => void copyText(text).then((done) => done && tell(desk, say("json.copied")))}>{say("menu.copy")}</Button>
        {!desk.readOnly && <Button kind="key" onClick={apply}>{say("json.apply")}</Button>}
      </footer>
    </Dialog>
  );
}
