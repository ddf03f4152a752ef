import { useEffect, useRef, type ReactNode } from "react";
import { markProblems } from "./monaco/markers";
import type { CodeEditor } from "./monaco/setup";
import type { Setup } from "./monaco/load";
import type { Problem } from "./types";
import { say } from "./words";

interface Props {
  setup: Setup;
  /** The element outside the shadow root that the editor lives in: its style sheet does not reach inside. */
  host: HTMLElement;
  name: "system" | "body";
  initial: string;
  readOnly: boolean;
  problems: Problem[];
  aside: ReactNode;
  onChange: (text: string) => void;
  onReady: (editor: CodeEditor) => void;
}

const LINE = 21;
const PADDING = 18;
const MIN = { system: 3, body: 7 };
const MAX = 26;
const MAC = /Mac|iP(hone|ad)/.test(navigator.userAgent);

export function TextField(props: Props) {
  const { setup, name, problems, aside } = props;
  const editor = useEditor(props);
  useEffect(() => {
    const model = editor.current?.getModel();
    if (model) markProblems(setup.monaco, model, problems);
  }, [setup, editor, problems]);
  return (
    <section className="pe-text" data-problem={problems.some((problem) => problem.level === "error") || undefined}>
      <header className="pe-text__head">
        <h3>{say(`text.${name}`)}</h3>
        <span className="pe-faint">{aside}</span>
      </header>
      <div className="pe-box"><slot name={name} /></div>
    </section>
  );
}

/** The editor is made once; what changes around it is read through a reference. */
function useEditor(props: Props) {
  const editor = useRef<CodeEditor | null>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  useEffect(() => {
    const { setup, host, name, initial, readOnly } = latest.current;
    const place = document.createElement("div");
    place.slot = name;
    place.dataset.testid = `editor-${name}`;
    host.append(place);
    const label = say(MAC ? "text.labelMac" : "text.label", { name: say(`text.${name}`) });
    const made = setup.createEditor(place, initial, { label, readOnly, placeholder: say(`text.${name}Placeholder`) });
    const fit = () => {
      const height = Math.min(Math.max(made.getContentHeight(), MIN[name] * LINE + PADDING), MAX * LINE + PADDING);
      place.style.height = `${height}px`;
    };
    made.onDidContentSizeChange(fit);
    fit();
    made.onDidChangeModelContent(() => latest.current.onChange(made.getValue()));
    editor.current = made;
    latest.current.onReady(made);
    return () => {
      made.getModel()?.dispose();
      made.dispose();
      place.remove();
    };
  }, []);
  return editor;
}
