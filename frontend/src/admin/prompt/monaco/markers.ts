import type { CodeEditor, Monaco, TextModel } from "./setup";
import type { Problem } from "../types";

const OWNER = "paiban";

/** The server counts characters, the editor UTF-16 units: an emoji is one for the former and two for the latter. */
export function toUtf16(line: string, column: number): number {
  return [...line].slice(0, column - 1).join("").length + 1;
}

/** Underlines `problems`; one without a position marks the first line. */
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
  const startLineNumber = within(problem.line ?? 1, model.getLineCount());
  const endLineNumber = Math.max(startLineNumber, within(problem.endLine ?? startLineNumber, model.getLineCount()));
  const startColumn = toUtf16(model.getLineContent(startLineNumber), problem.column ?? 1);
  const end = problem.endColumn ? toUtf16(model.getLineContent(endLineNumber), problem.endColumn) : null;
  const endColumn = end ?? model.getLineMaxColumn(endLineNumber);
  const empty = startLineNumber === endLineNumber && endColumn <= startColumn;
  return { startLineNumber, startColumn, endLineNumber, endColumn: empty ? startColumn + 1 : endColumn };
}

const within = (line: number, count: number) => Math.min(Math.max(line, 1), count);
