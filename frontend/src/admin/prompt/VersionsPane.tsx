import { useCallback, useEffect, useMemo, useState } from "react";
import { asApiError, type ApiError } from "../../api/errors";
import { formatMoment } from "../../i18n/format";
import { announce } from "../../ui/announce";
import { Button } from "../../ui/Button";
import { ErrorNotice } from "../../ui/ErrorNotice";
import type { PromptApi } from "./api";
import { Restore, SaveVersion } from "./VersionForms";
import { VersionApi, type Version } from "./versions";
import { say } from "./words";

interface Props {
  api: PromptApi;
  promptKey: string | null;
  readOnly: boolean;
  /** Whether the editor holds what is not saved. */
  isDirty: () => boolean;
  compared: number | null;
  onCompare: (version: number | null) => void;
  /** Loads the page again, now that the draft on the server is another one. */
  onRestored: () => void;
}

/** What the prompt was: to compare with, and to bring back. */
export function VersionsPane(props: Props) {
  const { api, promptKey } = props;
  const versions = useMemo(() => (promptKey === null ? null : new VersionApi(api, promptKey)), [api, promptKey]);
  return versions ? <Saved {...props} versions={versions} /> : <p className="pe-faint">{say("versions.new")}</p>;
}

function Saved({ versions, readOnly, isDirty, compared, onCompare, onRestored }: Props & { versions: VersionApi }) {
  const list = useVersions(versions);
  const [asked, setAsked] = useState<number | null>(null);
  const keep = async (note: string) => {
    const version = await versions.save(note);
    list.add(version);
    announce(say("versions.saved", { n: version.number }));
  };
  return (
    <div className="pe-versions" data-testid="versions">
      {!readOnly && <SaveVersion isDirty={isDirty} onSave={keep} />}
      {list.error && <ErrorNotice error={list.error} onRetry={list.more} />}
      {list.items?.length === 0 && <p className="pe-faint">{say("versions.none")}</p>}
      <ol className="pe-versions__list">
        {(list.items ?? []).map((version) => (
          <li key={version.number} data-compared={version.number === compared || undefined}>
            <Summary version={version} />
            <span className="pe-versions__act">
              <Button kind="quiet" className="button--small" icon="compare" aria-pressed={version.number === compared} aria-label={say("versions.compareWith", { n: version.number })} onClick={() => onCompare(version.number === compared ? null : version.number)}>
                {say("versions.compare")}
              </Button>
              {!readOnly && (
                <Button kind="quiet" className="button--small" icon="repeat" aria-label={say("versions.restoreNamed", { n: version.number })} aria-expanded={asked === version.number} onClick={() => setAsked(asked === version.number ? null : version.number)}>
                  {say("versions.restore")}
                </Button>
              )}
            </span>
            {asked === version.number && <Restore version={version.number} isDirty={isDirty} onCancel={() => setAsked(null)} onRestore={(note) => versions.restore(version.number, note).then(onRestored)} />}
          </li>
        ))}
      </ol>
      {list.hasMore && <Button kind="quiet" className="button--small" icon="down" onClick={list.more}>{say("versions.more")}</Button>}
    </div>
  );
}

function Summary({ version }: { version: Version }) {
  return (
    <span className="pe-versions__text">
      <b>{say("versions.number", { n: version.number })}</b> {version.labels.map((label) => <code key={label} className="pe-chip">{label}</code>)}
      {version.note && <span>{version.note}</span>}
      <small className="pe-faint">{say("versions.by", { author: version.author || "—", moment: formatMoment(version.created_at) })}</small>
    </span>
  );
}

interface List {
  items: Version[] | null;
  error: ApiError | null;
  hasMore: boolean;
  more: () => void;
  add: (version: Version) => void;
}

function useVersions(versions: VersionApi): List {
  const [state, setState] = useState<{ items: Version[] | null; next: string | null }>({ items: null, next: null });
  const [error, setError] = useState<ApiError | null>(null);
  const load = useCallback(async (cursor: string | null) => {
    try {
      const page = await versions.list(cursor);
      setState((old) => ({ items: [...(cursor ? (old.items ?? []) : []), ...page.items], next: page.next }));
      setError(null);
    } catch (failure) {
      setError(asApiError(failure));
    }
  }, [versions]);
  useEffect(() => {
    // A subscription to the server in all but name: the list is set when the answer is there.
    // eslint-disable-next-line react-hooks/set-state-in-effect
    void load(null);
  }, [load]);
  const add = (version: Version) => setState((old) => ({ ...old, items: [version, ...(old.items ?? []).filter((known) => known.number !== version.number)] }));
  return { items: state.items, error, hasMore: state.next !== null, more: () => void load(state.next), add };
}
