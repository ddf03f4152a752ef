import { useMemo, useRef, useState, type RefObject } from "react";
import { formatNumber } from "../../i18n/format";
import { Notice } from "../../ui/Notice";
import type { PromptApi } from "./api";
import { DiffView } from "./DiffView";
import { readField } from "./form";
import { KeyHints } from "./KeyHints";
import type { Setup } from "./monaco/load";
import { jumpTo } from "./monaco/markers";
import type { CodeEditor } from "./monaco/setup";
import { PreviewPane } from "./PreviewPane";
import { ProblemList } from "./ProblemList";
import { Tabs } from "./Tabs";
import { TextField } from "./TextField";
import { TrialPane } from "./TrialPane";
import type { EditorSource, Problem } from "./types";
import { useDraft, type DraftState } from "./useDraft";
import { useHints, useWords } from "./useHints";
import { usePreview, type Previewed } from "./usePreview";
import { VariablesPart } from "./VariablesPart";
import { VersionsPane } from "./VersionsPane";
import { say } from "./words";

export interface Page {
  host: HTMLElement;
  source: EditorSource;
  setup: Setup;
  api: PromptApi;
  isDirty: () => boolean;
  /** Loads the page anew, without asking about changes that were given up. */
  reload: () => void;
}

type Pane = "preview" | "trial" | "versions";

/** The prompt's texts, what they need, and what becomes of them. */
export function Workbench({ page }: { page: Page }) {
  const { api, source } = page;
  const draft = useDraft(source);
  const [model, setModel] = useState(source.model);
  const previewed = usePreview({ api, draft: draft.question, values: draft.values, model });
  const words = useWords(api);
  useHints(page.setup, draft.variables ?? [], words, source.key);
  const [pane, setPane] = useState<Pane>("preview");
  const [sideBySide, setSideBySide] = useState(false);
  const [compared, setCompared] = useState<number | null>(null);
  const root = useRef<HTMLDivElement>(null);

  const give = (name: string) => focusValue(root.current, name);
  const render = () => {
    if (!draft.question) throw new Error("asked without variables");
    return api.preview(draft.question, draft.values, model, new AbortController().signal);
  };
  return (
    <div className="pe" ref={root}>
      <SaveErrors errors={source.errors} />
      <div className="pe-main" data-wide={(pane === "trial" && sideBySide) || undefined}>
        <Texts page={page} draft={draft} previewed={previewed} root={root} />
        <Tabs<Pane>
          label={say("pane.label")}
          value={pane}
          onChange={setPane}
          tabs={[
            { value: "preview", label: say("pane.preview"), content: <PreviewPane previewed={previewed} texts={draft.texts} onGive={give} /> },
            { value: "trial", label: say("pane.trial"), content: <TrialPane api={api} render={async () => render()} model={model} onModel={setModel} compare={sideBySide} onCompare={setSideBySide} allowed={source.canTry} /> },
            { value: "versions", label: say("pane.versions"), content: pane === "versions" && (
              <VersionsPane api={api} promptKey={source.key} readOnly={source.readOnly} isDirty={page.isDirty} compared={compared} onCompare={setCompared} onRestored={page.reload} />
            ) },
          ]}
        />
      </div>
      {compared !== null && source.key && (
        <DiffView api={api} promptKey={source.key} setup={page.setup} host={page.host} version={compared} draft={{ ...draft.texts, variables: draft.variables ?? [] }} onClose={() => setCompared(null)} />
      )}
      <VariablesPart draft={draft} words={words} previewed={previewed} readOnly={source.readOnly} />
    </div>
  );
}

interface TextsProps {
  page: Page;
  draft: DraftState;
  previewed: Previewed;
  root: RefObject<HTMLDivElement | null>;
}

const NO_PROBLEMS: Problem[] = [];

function Texts({ page, draft, previewed, root }: TextsProps) {
  const editors = useRef<Partial<Record<"system" | "body", CodeEditor>>>({});
  const problems = previewed.answer?.problems ?? NO_PROBLEMS;
  const byField = useMemo(() => ({
    system: problems.filter((problem) => problem.field === "system"),
    body: problems.filter((problem) => problem.field === "body"),
  }), [problems]);
  const jump = (problem: Problem) => {
    const editor = problem.field === "variables" ? null : editors.current[problem.field];
    if (editor) jumpTo(editor, problem);
    else root.current?.querySelector<HTMLElement>(".pe-variables")?.scrollIntoView({ block: "center" });
  };
  const tokens = previewed.answer?.tokens;
  return (
    <div className="pe-texts">
      {(["system", "body"] as const).map((name) => (
        <TextField
          key={name}
          setup={page.setup}
          host={page.host}
          name={name}
          initial={readField(name, page.source)}
          readOnly={page.source.readOnly}
          problems={byField[name]}
          aside={tokens && say("text.tokens", { n: formatNumber(tokens[name]) })}
          onChange={(text) => draft.write(name, text)}
          onReady={(editor) => (editors.current[name] = editor)}
        />
      ))}
      <KeyHints />
      <ProblemList problems={problems} onJump={jump} />
    </div>
  );
}

/** What the server said when the form came back; the hidden fields cannot say it. */
function SaveErrors({ errors }: { errors: Record<string, string[]> }) {
  const messages = Object.values(errors).flat();
  if (messages.length === 0) return null;
  return (
    <Notice icon="alert">
      <p className="notice__title">{say("problems.saved")}</p>
      {messages.map((message) => <p key={message}>{message}</p>)}
    </Notice>
  );
}

function focusValue(root: HTMLElement | null, name: string): void {
  const box = root?.querySelector<HTMLElement>(`[data-value-of="${CSS.escape(name)}"]`);
  box?.scrollIntoView({ block: "center" });
  box?.focus();
}
