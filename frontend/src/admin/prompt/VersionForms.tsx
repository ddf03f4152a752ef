import { useState, type FormEvent, type KeyboardEvent } from "react";
import { asApiError, type ApiError } from "../../api/errors";
import { Button } from "../../ui/Button";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { say } from "./words";

/** Runs `work` once at a time, and keeps what went wrong. */
function useWork(): { busy: boolean; error: ApiError | null; run: (work: () => Promise<void>) => void } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const run = (work: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    work().catch((failure: unknown) => setError(asApiError(failure))).finally(() => setBusy(false));
  };
  return { busy, error, run };
}

/** Inside the admin's own form Enter would save the prompt: here it does what the box is for. */
const onEnter = (work: () => void) => (event: KeyboardEvent) => {
  if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
  event.preventDefault();
  work();
};

export function SaveVersion({ isDirty, onSave }: { isDirty: () => boolean; onSave: (note: string) => Promise<void> }) {
  const [note, setNote] = useState("");
  const [refused, setRefused] = useState(false);
  const { busy, error, run } = useWork();
  const save = () => {
    const unsaved = isDirty();
    setRefused(unsaved);
    if (!unsaved) run(() => onSave(note.trim()).then(() => setNote("")));
  };
  return (
    <div className="pe-save">
      <label className="pe-field">
        {say("versions.note")}
        <input className="pe-input" maxLength={200} placeholder={say("versions.noteHint")} value={note} onChange={(event) => setNote(event.target.value)} onKeyDown={onEnter(save)} />
      </label>
      <Button icon="layers" busy={busy} onClick={save}>{say("versions.save")}</Button>
      {refused && <p className="notice" role="alert">{say("versions.dirty")}</p>}
      {error && <ErrorNotice error={error} />}
    </div>
  );
}

interface RestoreProps {
  version: number;
  isDirty: () => boolean;
  onCancel: () => void;
  onRestore: (note: string) => Promise<void>;
}

export function Restore({ version, isDirty, onCancel, onRestore }: RestoreProps) {
  const [note, setNote] = useState("");
  const { busy, error, run } = useWork();
  const restore = (event?: FormEvent) => {
    event?.preventDefault();
    run(() => onRestore(note.trim()));
  };
  return (
    <div className="pe-restore" role="group" aria-label={say("versions.restoreNamed", { n: version })}>
      <p>{say("versions.sure", { n: version })}</p>
      {isDirty() && <p><b>{say("versions.lost")}</b></p>}
      <label className="pe-field">
        {say("versions.note")}
        <input className="pe-input" maxLength={200} placeholder={say("versions.noteHint")} value={note} onChange={(event) => setNote(event.target.value)} onKeyDown={onEnter(() => restore())} />
      </label>
      <span className="pe-restore__act">
        <Button kind="key" busy={busy} onClick={() => restore()}>{say("versions.yes", { n: version })}</Button>
        <Button onClick={onCancel}>{say("versions.no")}</Button>
      </span>
      {error && <ErrorNotice error={error} />}
    </div>
  );
}
