import * as monaco from "monaco-editor/editor/editor.api";
import "monaco-editor/features/codeEditor/register";
import "monaco-editor/features/diffEditor/register";
import "monaco-editor/features/codicon/register";
import "monaco-editor/features/bracketMatching/register";
import "monaco-editor/features/caretOperations/register";
import "monaco-editor/features/clipboard/register";
import "monaco-editor/features/contextmenu/register";
import "monaco-editor/features/cursorUndo/register";
import "monaco-editor/features/dnd/register";
import "monaco-editor/features/find/register";
import "monaco-editor/features/gotoError/register";
import "monaco-editor/features/hover/register";
import "monaco-editor/features/linesOperations/register";
import "monaco-editor/features/multicursor/register";
import "monaco-editor/features/placeholderText/register";
import "monaco-editor/features/quickCommand/register";
import "monaco-editor/features/readOnlyMessage/register";
import "monaco-editor/features/snippet/register";
// `features/suggest` of this version registers the inline part alone.
import "monaco-editor/editor/contrib/suggest/browser/suggestController";
import "monaco-editor/features/toggleTabFocusMode/register";
import "monaco-editor/features/unicodeHighlighter/register";
import "monaco-editor/features/wordOperations/register";
import EditorWorker from "monaco-editor/editor/editor.worker?worker";
import { LANGUAGE, registerLiquid } from "./liquid";
import { followTheme } from "./theme";

export type Monaco = typeof monaco;
export type CodeEditor = monaco.editor.IStandaloneCodeEditor;
export type TextModel = monaco.editor.ITextModel;

(self as Window & { MonacoEnvironment?: monaco.Environment }).MonacoEnvironment = { getWorker: () => new EditorWorker() };

registerLiquid(monaco);
followTheme(monaco);

/** Where lists and hints are drawn: beside the page, so that no card cuts them off. */
function overlay(): HTMLElement {
  const found = document.querySelector<HTMLElement>("[data-prompt-overlay]");
  if (found) return found;
  const layer = document.createElement("div");
  layer.className = "monaco-editor";
  layer.dataset.promptOverlay = "";
  document.body.append(layer);
  return layer;
}

/** What every editor of the page shares. Full-width punctuation is ordinary text here, so only what cannot be seen is marked. */
const SHARED = {
  autoClosingBrackets: "always",
  autoClosingOvertype: "always",
  automaticLayout: true,
  contextmenu: true,
  fixedOverflowWidgets: true,
  fontFamily: 'ui-monospace, "SF Mono", "Cascadia Mono", "Roboto Mono", "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace',
  fontSize: 13,
  lineHeight: 21,
  minimap: { enabled: false },
  overviewRulerLanes: 0,
  renderLineHighlightOnlyWhenFocus: true,
  scrollBeyondLastLine: false,
  scrollbar: { alwaysConsumeMouseWheel: false, verticalScrollbarSize: 10, horizontalScrollbarSize: 10 },
  unicodeHighlight: { ambiguousCharacters: false, invisibleCharacters: true },
  wordWrap: "on",
} satisfies monaco.editor.IEditorOptions;

export interface EditorOptions {
  label: string;
  placeholder: string;
  readOnly: boolean;
}

/** An editor for Liquid in `place`, which decides its width; it grows with its text. */
export function createEditor(place: HTMLElement, text: string, options: EditorOptions): CodeEditor {
  const model = monaco.editor.createModel(text, LANGUAGE);
  model.setEOL(monaco.editor.EndOfLineSequence.LF);
  return monaco.editor.create(place, {
    ...SHARED,
    model,
    ariaLabel: options.label,
    bracketPairColorization: { enabled: false },
    folding: false,
    lineNumbersMinChars: 3,
    overflowWidgetsDomNode: overlay(),
    padding: { top: 8, bottom: 8 },
    placeholder: options.placeholder,
    quickSuggestions: { other: true, comments: false, strings: true },
    readOnly: options.readOnly,
    suggest: { showWords: false, preview: false },
    tabSize: 2,
    wordBasedSuggestions: "off",
  });
}

export interface Diff {
  show: (before: string, after: string) => void;
  dispose: () => void;
}

/** Two texts side by side, or one below the other where there is no room. */
export function createDiff(place: HTMLElement, label: string): Diff {
  const original = monaco.editor.createModel("", LANGUAGE);
  const modified = monaco.editor.createModel("", LANGUAGE);
  const editor = monaco.editor.createDiffEditor(place, {
    ...SHARED,
    ariaLabel: label,
    diffWordWrap: "on",
    hideUnchangedRegions: { enabled: true },
    originalAriaLabel: label,
    modifiedAriaLabel: label,
    overflowWidgetsDomNode: overlay(),
    readOnly: true,
    renderOverviewRuler: false,
    useInlineViewWhenSpaceIsLimited: true,
    renderSideBySideInlineBreakpoint: 620,
  });
  editor.setModel({ original, modified });
  const write = (model: TextModel, text: string) => model.getValue() === text || model.setValue(text);
  return {
    show: (before, after) => {
      write(original, before);
      write(modified, after);
    },
    dispose: () => {
      editor.dispose();
      original.dispose();
      modified.dispose();
    },
  };
}

export { monaco };
