import { useStore } from "../../../ui/store";
import { addNote, arrange, copy, cut, duplicate, fit, fold, group, pasteFrom, remove, selectAll, ungroup } from "../actions";
import { look, useDesk, type Desk, type Menu } from "../desk";
import { walk } from "../inspector/VariablePicker";
import { groupsOf, nodeOf } from "../state/doc";
import { say, type Word } from "../words";
import { Floating } from "./Floating";

interface Entry {
  word: Word;
  keys?: string;
  act: () => void;
  writes: boolean;
}

/** What can be done with the thing under the pointer. */
export function ContextMenu() {
  const desk = useDesk();
  const { menu } = useStore(desk.view);
  if (!menu) return null;
  const close = () => look(desk, { menu: null });
  const entries = entriesFor(desk, menu).filter((entry) => !entry.writes || !desk.readOnly);
  if (entries.length === 0) return null;
  return (
    <Floating at={menu.screen} role="menu" label={say("menu.label")} onClose={close}>
      <div className="fe-menu" onKeyDown={(event) => walk(event, close)}>
        {entries.map((entry) => (
          <button key={entry.word} type="button" role="menuitem" onClick={() => { close(); entry.act(); }}>
            <span>{say(entry.word)}</span>{entry.keys && <kbd>{entry.keys}</kbd>}
          </button>
        ))}
      </div>
    </Floating>
  );
}

function entriesFor(desk: Desk, menu: Menu): Entry[] {
  const { on } = menu;
  if (on.kind === "pane") return paneEntries(desk, menu);
  if (on.kind === "edge") {
    return [
      { word: "edge.insert", writes: true, act: () => look(desk, { adding: { at: [menu.at[0] - 112, menu.at[1] - 32], screen: menu.screen, edge: on.id } }) },
      { word: "menu.remove", keys: "Del", writes: true, act: () => remove(desk, new Set(), new Set([on.id])) },
    ];
  }
  if (on.kind === "group") return groupEntries(desk, on.id);
  if (on.kind === "note") return [{ word: "menu.remove", keys: "Del", writes: true, act: () => remove(desk) }];
  return stepEntries(desk, on.id);
}

const paneEntries = (desk: Desk, menu: Menu): Entry[] => [
  { word: "bar.add", keys: "A", writes: true, act: () => look(desk, { adding: { at: menu.at, screen: menu.screen } }) },
  { word: "menu.paste", keys: "Ctrl V", writes: true, act: () => pasteFrom(desk, null, menu.at) },
  { word: "bar.note", writes: true, act: () => addNote(desk, menu.at) },
  { word: "menu.all", keys: "Ctrl A", writes: false, act: () => selectAll(desk) },
  { word: "bar.arrange", keys: "L", writes: true, act: () => arrange(desk) },
  { word: "bar.fit", keys: "F", writes: false, act: () => fit(desk) },
];

function groupEntries(desk: Desk, id: string): Entry[] {
  const one = groupsOf(desk.editor.doc).find((other) => other.id === id);
  return [
    { word: one?.collapsed ? "group.unfold" : "group.fold", writes: false, act: () => fold(desk, id, !one?.collapsed) },
    { word: "group.dissolve", writes: true, act: () => ungroup(desk, id) },
  ];
}

function stepEntries(desk: Desk, id: string): Entry[] {
  const inner = nodeOf(desk.editor.doc, id)?.config?.pipeline;
  const into: Entry[] = typeof inner === "string" && inner ? [{ word: "menu.enter", writes: false, act: () => void desk.enter(inner) }] : [];
  return [
    { word: "menu.open", keys: "Enter", writes: false, act: () => look(desk, { side: "step" }) },
    ...into,
    { word: "join.add", keys: "C", writes: true, act: () => look(desk, { dialog: "connect" }) },
    { word: "menu.copy", keys: "Ctrl C", writes: false, act: () => void copy(desk) },
    { word: "menu.cut", keys: "Ctrl X", writes: true, act: () => cut(desk) },
    { word: "menu.duplicate", keys: "Ctrl D", writes: true, act: () => duplicate(desk) },
    { word: "menu.group", keys: "Ctrl G", writes: true, act: () => group(desk) },
    { word: "menu.remove", keys: "Del", writes: true, act: () => remove(desk) },
  ];
}
