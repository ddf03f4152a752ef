import { useState } from "react";
import { formatMoment } from "../../../i18n/format";
import { Button, IconButton } from "../../../ui/Button";
import { Icon } from "../../../ui/icons";
import { useStore } from "../../../ui/store";
import { addNote, arrange, fit, tell } from "../actions";
import { look, useDesk, usePart, type Desk, type Side } from "../desk";
import type { Saving } from "../draft/saver";
import { showValues } from "../keys";
import { isOver } from "../panes/trial";
import { say, type Word } from "../words";
import { GlyphButton } from "./Glyph";

/** What there is to do, and how the draft stands. */
export function Toolbar() {
  const desk = useDesk();
  const view = useStore(desk.view);
  const { past, future } = usePart(desk.editor.store, (state) => state);
  const toggle = (side: Side) => look(desk, { side: view.side === side ? null : side });
  const more = view.inside.length > 0;
  return (
    <div className="fe-bar" role="toolbar" aria-label={say("bar.label")}>
      {!desk.readOnly && !more && (
        <div className="fe-bar__group">
          <Button icon="plus" className="button--small fe-bar__add" aria-expanded={view.palette} onClick={() => look(desk, { palette: !view.palette })}>{say("bar.add")}</Button>
          <GlyphButton glyph="undo" label={say("bar.undo")} disabled={past.length === 0} onClick={() => desk.editor.undo()} />
          <GlyphButton glyph="redo" label={say("bar.redo")} disabled={future.length === 0} onClick={() => desk.editor.redo()} />
        </div>
      )}
      <div className="fe-bar__group fe-bar__group--view">
        {!desk.readOnly && !more && <GlyphButton glyph="order" label={say("bar.arrange")} onClick={() => arrange(desk)} />}
        {!desk.readOnly && !more && <GlyphButton glyph="note" label={say("bar.note")} onClick={() => addNote(desk, centre(desk))} />}
        <GlyphButton glyph="fit" label={say("bar.fit")} onClick={() => fit(desk)} />
        <GlyphButton glyph="values" label={say("bar.values")} aria-pressed={view.values} onClick={() => showValues(desk)} />
        <GlyphButton glyph="keys" label={say("bar.keys")} onClick={() => look(desk, { dialog: "keys" })} />
        <Button kind="quiet" className="button--small" onClick={() => look(desk, { dialog: "json" })}>JSON</Button>
      </div>
      <SaveState desk={desk} />
      <div className="fe-bar__group fe-bar__group--end">
        <SideButton side="pipeline" icon="grid" word="side.pipeline" open={view.side} onToggle={toggle} />
        <SideButton side="versions" icon="clock" word="side.versions" open={view.side} onToggle={toggle} />
        <TestButton open={view.side} onToggle={toggle} />
        <GlyphButton glyph={view.full ? "shrink" : "expand"} label={say(view.full ? "bar.small" : "bar.full")} aria-pressed={view.full} onClick={() => desk.setFull(!view.full)} />
      </div>
    </div>
  );
}

function SideButton({ side, icon, word, open, onToggle }: { side: Side; icon: "grid" | "clock"; word: Word; open: Side | null; onToggle: (side: Side) => void }) {
  return <IconButton icon={icon} label={say(word)} aria-pressed={open === side} onClick={() => onToggle(side)} />;
}

/** Not for who may not: it would only refuse. */
function TestButton({ open, onToggle }: { open: Side | null; onToggle: (side: Side) => void }) {
  const desk = useDesk();
  const running = usePart(desk.trial, (trial) => !isOver(trial));
  if (!desk.source.canRun && desk.source.key) return null;
  return <Button icon={running ? "auto" : "play"} className="button--small" aria-pressed={open === "test"} onClick={() => onToggle("test")}>{say("side.test")}</Button>;
}

const centre = (desk: Desk): [number, number] => {
  const frame = desk.box.querySelector(".react-flow")?.getBoundingClientRect();
  const at = frame && desk.rf.current?.screenToFlowPosition({ x: frame.x + frame.width / 3, y: frame.y + frame.height / 3 });
  return at ? [at.x, at.y] : [0, 0];
};

const STATES: Record<Saving["state"], Word> = {
  form: "save.form", saved: "save.saved", changed: "save.changed", saving: "save.saving", failed: "save.failed", conflict: "save.conflict",
};

/** Whether the draft is kept, in words; ready or not, where the server knows of that. */
function SaveState({ desk }: { desk: Desk }) {
  const saving = useStore(desk.saver.store);
  const [marking, setMarking] = useState(false);
  if (desk.readOnly) return <span className="fe-state" role="status">{say("save.readOnly")}</span>;
  const dirty = desk.saver.isDirty();
  const time = saving.at ? formatMoment(new Date(saving.at).toISOString()) : "";
  const mark = async () => {
    setMarking(true);
    const done = await desk.saver.mark(saving.status === "ready" ? "draft" : "ready").finally(() => setMarking(false));
    if (!done) look(desk, { problems: true });
    tell(desk, say(done ? "ready.done" : "ready.refused"));
  };
  return (
    <div className="fe-bar__group fe-bar__group--state">
      <span className="fe-state" role="status" data-state={saving.state} title={saving.error ? `${saving.error.message} ${saving.error.code}` : time}>
        <i aria-hidden="true" />
        {say(saving.state === "form" ? (dirty ? "save.formChanged" : "save.form") : STATES[saving.state])}
      </span>
      {saving.state === "failed" && <Button kind="quiet" className="button--small" onClick={() => void desk.saver.save()}>{say("save.again")}</Button>}
      {saving.revision !== null && <Button kind="quiet" className="button--small" busy={marking} onClick={() => void mark()}>{saving.status === "ready" && <Icon name="check" size={16} />}{say(saving.status === "ready" ? "ready.is" : "ready.make")}</Button>}
    </div>
  );
}
