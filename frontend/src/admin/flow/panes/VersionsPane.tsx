import { useState } from "react";
import { asApiError } from "../../../api/errors";
import { formatMoment } from "../../../i18n/format";
import { Button } from "../../../ui/Button";
import { useStore } from "../../../ui/store";
import { useLoad } from "../../../ui/useLoad";
import { jumpTo, tell } from "../actions";
import { isAbsent } from "../api";
import { useDesk, usePart } from "../desk";
import { placed } from "../state/arrange";
import type { GraphDiff, HistoryEntry } from "../types";
import { say, type Word } from "../words";
import { compare, stopComparing } from "./compare";

/** Earlier states of the draft: looked at on the canvas, and brought back. */
export function VersionsPane() {
  const desk = useDesk();
  const compared = useStore(desk.compared);
  const [busy, setBusy] = useState<number | null>(null);
  const revision = usePart(desk.saver.store, (saving) => saving.revision);
  const { data, error } = useLoad(`history ${revision ?? ""}`, () => desk.api.history());
  const show = async (entry: HistoryEntry) => {
    if (compared?.entry.n === entry.n) return stopComparing(desk);
    setBusy(entry.n);
    try {
      compare(desk, entry, await desk.api.version(entry.n));
    } catch (error) {
      tell(desk, asApiError(error).message || say("versions.failed"));
    } finally {
      setBusy(null);
    }
  };
  const restore = () => {
    if (!compared) return;
    desk.editor.change((doc) => placed({ graph: compared.graph, layout: doc.layout }));
    stopComparing(desk);
    tell(desk, say("versions.restored"));
  };
  if (!data && error) return <p className="fe-empty">{isAbsent(error) ? say("versions.absent") : say("versions.failed")}</p>;
  if (!data) return <p className="fe-empty" role="status">{say("versions.loading")}</p>;
  if (data.length === 0) return <p className="fe-empty">{say("versions.none")}</p>;
  return (
    <div className="fe-inspector">
      <p className="fe-faint">{say("versions.hint")}</p>
      <ol className="fe-versions">
        {data.map((entry) => (
          <li key={entry.n}>
            <button type="button" aria-pressed={compared?.entry.n === entry.n} aria-busy={busy === entry.n || undefined} onClick={() => void show(entry)}>
              <strong>{formatMoment(entry.at)}</strong><small>{entry.by ?? say("versions.nobody")}{entry.comment ? ` · ${entry.comment === "autosave" ? say("versions.auto") : entry.comment}` : ""}</small>
            </button>
          </li>
        ))}
      </ol>
      {compared && <Changes diff={compared.diff} onJump={(id) => jumpTo(desk, id)} />}
      {compared && (
        <footer>
          <Button kind="quiet" onClick={() => stopComparing(desk)}>{say("versions.stop")}</Button>
          {!desk.readOnly && <Button kind="key" icon="repeat" onClick={restore}>{say("versions.restore")}</Button>}
        </footer>
      )}
    </div>
  );
}

const WORDS: Record<string, Word> = { added: "diff.added", removed: "diff.removed", changed: "diff.changed", moved: "diff.changed" };

function Changes({ diff, onJump }: { diff: GraphDiff; onJump: (id: string) => void }) {
  const nodes = Object.entries(diff.nodes);
  if (nodes.length + diff.edges.length === 0) return <p role="status">{say("diff.none")}</p>;
  return (
    <ul className="fe-changes" aria-label={say("diff.title")}>
      {nodes.map(([id, { change, fields }]) => (
        <li key={id} data-change={change}>
          <button type="button" disabled={change === "removed"} onClick={() => onJump(id)}><span>{say(WORDS[change] ?? "diff.changed")}</span><code>{id}</code>{fields.length > 0 && <small>{fields.join(", ")}</small>}</button>
        </li>
      ))}
      {diff.edges.map(({ edge, change }) => (
        <li key={`${edge.source}|${edge.when ?? ""}|${edge.target}|${change}`} data-change={change}><span>{say(WORDS[change] ?? "diff.changed")}</span><code>{edge.source}{edge.when ? ` (${edge.when})` : ""} → {edge.target}</code></li>
      ))}
    </ul>
  );
}
