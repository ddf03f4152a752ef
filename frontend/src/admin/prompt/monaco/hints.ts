import type { IMarkdownString, IRange, languages, Position } from "monaco-editor/editor/editor.api";
import type { Monaco, TextModel } from "./setup";
import { LANGUAGE } from "./liquid";
import { placeAfter, type Place } from "../scan";
import type { Variable, Words } from "../types";
import { say } from "../words";

/** What the hints know of the page; read when they are asked for, so that they are never out of date. */
export interface Knowledge {
  variables: () => Variable[];
  words: () => Words | null;
  key: string | null;
}

interface Entry {
  label: string;
  insert: string;
  detail: string;
  help?: string;
  kind: "variable" | "filter" | "tag" | "prompt";
}

/** What is written behind a tag's name, and what closes it. */
const SHAPES: Record<string, string> = {
  if: "if ${1:condition} %}$0{% endif %}",
  elsif: "elsif ${1:condition} %}",
  when: "when ${1:value} %}",
  unless: "unless ${1:condition} %}$0{% endunless %}",
  for: "for ${1:item} in ${2:items} %}$0{% endfor %}",
  case: "case ${1:variable} %}{% when ${2:value} %}$0{% endcase %}",
  capture: "capture ${1:name} %}$0{% endcapture %}",
  comment: "comment %}$0{% endcomment %}",
  raw: "raw %}$0{% endraw %}",
  assign: "assign ${1:name} = ${2:value} %}",
  render: "render '${1:key}' %}",
  include: "include '${1:key}' %}",
};

/** Completion and hover of every prompt text on the page. Answers what ends them. */
export function registerHints(monaco: Monaco, knows: Knowledge): () => void {
  const completion = monaco.languages.registerCompletionItemProvider(LANGUAGE, {
    triggerCharacters: ["{", "%", " ", "|", "'", '"', "@"],
    provideCompletionItems: (model, position) => {
      const place = placeAfter(textBefore(model, position));
      return { suggestions: entriesFor(place, knows).map((entry) => suggestion(monaco, model, position, place, entry)) };
    },
  });
  const hover = monaco.languages.registerHoverProvider(LANGUAGE, {
    provideHover: (model, position) => {
      const word = model.getWordAtPosition(position);
      if (!word) return null;
      const entry = entryAt(model, position, word.startColumn, word.word, knows);
      return entry && { contents: described(entry) };
    },
  });
  return () => {
    completion.dispose();
    hover.dispose();
  };
}

function entryAt(model: TextModel, position: Position, from: number, word: string, knows: Knowledge): Entry | undefined {
  const place = placeAfter(textBefore(model, position.with(undefined, from)));
  const named = place.kind === "include" ? place.quoted + word : word;
  return entriesFor(place, knows).find((entry) => entry.label === named);
}

const textBefore = (model: TextModel, position: Position) =>
  model.getValueInRange({ startLineNumber: Math.max(1, position.lineNumber - 20), startColumn: 1, endLineNumber: position.lineNumber, endColumn: position.column });

function entriesFor(place: Place, knows: Knowledge): Entry[] {
  const words = knows.words();
  if (place.kind === "filter") return (words?.filters ?? []).map(filterEntry);
  if (place.kind === "tag") return (words?.tags ?? []).map(tagEntry);
  if (place.kind === "include") return promptEntries(words, knows.key);
  return place.kind === "variable" ? knows.variables().map(variableEntry) : [];
}

const filterEntry = (filter: Words["filters"][number]): Entry => ({
  label: filter.name, insert: filter.name, detail: filter.signature === filter.name ? "" : filter.signature, help: filter.help, kind: "filter",
});

const tagEntry = (tag: Words["tags"][number]): Entry => ({
  label: tag.name, insert: SHAPES[tag.name] ?? `${tag.name} %}`, detail: say("hint.tag"), help: tag.help, kind: "tag",
});

const variableEntry = (variable: Variable): Entry => ({
  label: variable.name,
  insert: variable.name,
  detail: [variable.type ?? say("type.any"), variable.required === false ? say("hint.optional") : say("hint.required")].join(" · "),
  help: variable.description,
  kind: "variable",
});

/** Every other prompt as it is now, and as its labels and versions fixed it. */
function promptEntries(words: Words | null, own: string | null): Entry[] {
  return (words?.prompts ?? []).filter((prompt) => prompt.key !== own).flatMap((prompt) => {
    const needs = prompt.variables.map((variable) => variable.name).join(", ");
    const help = needs ? say("hint.needs", { names: needs }) : "";
    const references = [prompt.key, ...[...Object.keys(prompt.labels), ...prompt.versions.map(String)].map((end) => `${prompt.key}@${end}`)];
    return references.map((label): Entry => ({ label, insert: label, detail: prompt.name, help, kind: "prompt" }));
  });
}

function suggestion(monaco: Monaco, model: TextModel, position: Position, place: Place, entry: Entry): languages.CompletionItem {
  const kinds = monaco.languages.CompletionItemKind;
  const kind = { variable: kinds.Variable, filter: kinds.Function, tag: kinds.Keyword, prompt: kinds.File }[entry.kind];
  const closing = entry.kind === "tag" ? closingAt(model, position) : null;
  const insert = entry.kind === "tag" && closing === null ? entry.label : entry.insert;
  return {
    label: { label: entry.label, description: entry.detail },
    kind,
    documentation: entry.help ? plain(entry.help) : undefined,
    insertText: spaced(model, position, place, insert),
    insertTextRules: closing === null && place.kind !== "variable" ? undefined : monaco.languages.CompletionItemInsertTextRule.InsertAsSnippet,
    range: rangeFor(model, position, place, closing ?? 0),
  };
}

/** `{{name}}` is written `{{ name }}`: the blanks come along when there are none yet, and the cursor stays at the name. */
function spaced(model: TextModel, position: Position, place: Place, text: string): string {
  if (place.kind !== "variable" && place.kind !== "tag") return text;
  const line = model.getLineContent(position.lineNumber);
  const word = model.getWordUntilPosition(position);
  const before = /[{%-]$/.test(line.slice(0, word.startColumn - 1)) ? " " : "";
  const after = line.slice(position.column - 1).startsWith("}}") ? "$0 " : "";
  return before + text + after;
}

/**
 * How much of an end stands behind the cursor already, such as the brace that was closed automatically: a tag that is
 * completed brings its own. Null in the middle of a tag, where only its name is to change.
 */
function closingAt(model: TextModel, position: Position): number | null {
  const after = model.getLineContent(position.lineNumber).slice(position.column - 1);
  const end = /^\s*(?:-?%)?\}|^\s*$/.exec(after);
  return end && end[0].length;
}

function rangeFor(model: TextModel, position: Position, place: Place, rest: number): IRange {
  const word = model.getWordUntilPosition(position);
  const startColumn = place.kind === "include" ? position.column - place.quoted.length : word.startColumn;
  return { startLineNumber: position.lineNumber, startColumn, endLineNumber: position.lineNumber, endColumn: position.column + rest };
}

/** Text of operators is text: nothing in it becomes a link or a picture. */
const plain = (text: string): IMarkdownString => ({ value: text.replace(/[\\`*_{}[\]()#+\-.!<>|~]/g, "\\$&"), isTrusted: false, supportHtml: false });

const described = (entry: Entry): IMarkdownString[] => [plain([entry.label, entry.detail].filter(Boolean).join(" — ")), ...(entry.help ? [plain(entry.help)] : [])];
