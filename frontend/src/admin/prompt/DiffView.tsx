import { useEffect, useMemo, useRef, useState } from "react";
import { asApiError, type ApiError } from "../../api/errors";
import { Button } from "../../ui/Button";
import { ErrorNotice } from "../../ui/ErrorNotice";
import type { PromptApi } from "./api";
import type { Setup } from "./monaco/load";
import type { Diff } from "./monaco/setup";
import { differences, VersionApi, type Content, type Difference } from "./versions";
import { say } from "./words";

interface Props {
  api: PromptApi;
  promptKey: string;
  setup: Setup;
  host: HTMLElement;
  version: number;
  draft: Content;
  onClose: () => void;
}

/** Version and draft, field by field. */
export function DiffView({ api, promptKey, setup, host, version, draft, onClose }: Props) {
  const versions = useMemo(() => new VersionApi(api, promptKey), [api, promptKey]);
  const { content, error } = useContent(versions, version);
  const found = useMemo(() => content && differences(content, draft), [content, draft]);
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    if (content) box.current?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }, [content]);
  return (
    <section ref={box} className="pe-diffs" aria-label={say("versions.compareWith", { n: version })} data-testid="diff">
      <header>
        <h3>{say("versions.number", { n: version })} → {say("versions.draft")}</h3>
        <Button kind="quiet" icon="close" className="button--small" onClick={onClose}>{say("versions.close")}</Button>
      </header>
      {error && <ErrorNotice error={error} />}
      {found?.length === 0 && <p className="pe-faint">{say("versions.same")}</p>}
      {found?.map((difference) => <OneDiff key={`${version} ${difference.field}`} setup={setup} host={host} difference={difference} />)}
    </section>
  );
}

const NAMES = { system: "versions.system", body: "versions.body", variables: "versions.variables" } as const;
const LINE = 21;

function OneDiff({ setup, host, difference }: { setup: Setup; host: HTMLElement; difference: Difference }) {
  const { field, before, after } = difference;
  const label = say("versions.diff", { field: say(NAMES[field]) });
  const name = `diff-${field}`;
  const diff = useRef<Diff | null>(null);
  const first = useRef(difference);
  useEffect(() => {
    const made = document.createElement("div");
    made.slot = name;
    made.dataset.testid = name;
    made.style.height = `${heightFor(first.current)}px`;
    host.append(made);
    diff.current = setup.createDiff(made, label);
    return () => {
      diff.current?.dispose();
      made.remove();
    };
  }, [setup, host, name, label]);
  useEffect(() => diff.current?.show(before, after), [before, after]);
  return (
    <div className="pe-diff">
      <h4>{say(NAMES[field])}</h4>
      <div className="pe-box"><slot name={name} /></div>
    </div>
  );
}

const heightFor = ({ before, after }: Difference) =>
  LINE * Math.min(Math.max(before.split("\n").length, after.split("\n").length, 3) + 3, 24);

function useContent(versions: VersionApi, version: number): { content: Content | null; error: ApiError | null } {
  const [state, setState] = useState<{ of: number; content: Content | null; error: ApiError | null }>({ of: version, content: null, error: null });
  useEffect(() => {
    let current = true;
    const settle = (content: Content | null, error: ApiError | null) => current && setState({ of: version, content, error });
    versions.content(version).then((content) => settle(content, null), (error: unknown) => settle(null, asApiError(error)));
    return () => {
      current = false;
    };
  }, [versions, version]);
  return state.of === version ? state : { content: null, error: null };
}
