import type { CodeEditor, Monaco, TextModel } from "./setup";
import type { Problem } from "../types";

const OWNER = "paiban";

/** Underlines `problems` of one text. */
export function markProblems(monaco: Monaco, model: TextModel, problems: Problem[]): void {
  const markers = problems.map((problem) => ({
    ...rangeOf(model, problem),
    code: problem.code,
    message: problem.message,
    severity: problem.level === "error" ? monaco.MarkerSeverity.Error : monaco.MarkerSeverity.Warning,
  }));
  monaco.editor.setModelMarkers(model, OWNER, markers);
}

/** Puts the cursor where `problem` is, and the editor's hint beside it. */
export function jumpTo(editor: CodeEditor, problem: Problem): void {
  const model = editor.getModel();
  if (!model) return;
  const range = rangeOf(model, problem);
  editor.setSelection(range);
  editor.revealRangeInCenterIfOutsideViewport(range);
  editor.focus();
}

function rangeOf(model: TextModel, problem: Problem) {
  const { line, column, endLine, endColumn } = problem;
  const empty = line === endLine && column === endColumn;
  const wide = { startLineNumber: line, startColumn: column, endLineNumber: endLine, endColumn: empty ? endColumn + 1 : endColumn };
  // The text may have become shorter since it was judged.
  return model.validateRange(wide);
}
