import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { isolate } from "./isolate";

const LANGUAGES: Record<string, () => Promise<Extension[]>> = {
  json: () => import("./languages/json").then((module) => module.extensions),
};

/** Colours are the page's tokens, so that light and dark need no second theme. */
const HIGHLIGHT = HighlightStyle.define([
  { tag: [tags.propertyName, tags.tagName], color: "var(--cyan)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--green)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--magenta)" },
  { tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword, tags.processingInstruction], color: "var(--magenta)" },
  { tag: [tags.variableName, tags.function(tags.variableName)], color: "var(--cyan)" },
  { tag: tags.comment, color: "var(--key-faint)", fontStyle: "italic" },
]);

/** Puts an editor over the textarea and writes every change back, so that saving needs nothing new. */
export async function upgrade(area: HTMLTextAreaElement): Promise<void> {
  const language = LANGUAGES[area.dataset.editor ?? ""];
  if (!language || area.readOnly || area.disabled) return;
  const extensions = [...common(area), ...(await language())];
  const host = document.createElement("div");
  area.before(host);
  const box = isolate(host);
  const view = new EditorView({
    parent: box,
    root: box.getRootNode() as ShadowRoot,
    state: EditorState.create({ doc: readable(area), extensions }),
  });
  area.hidden = true;
  area.style.display = "none";
  // A label that pointed at the textarea now leads to the editor.
  for (const label of area.labels ?? []) label.addEventListener("click", () => view.focus());
}

function common(area: HTMLTextAreaElement): Extension[] {
  return [
    lineNumbers(),
    history(),
    bracketMatching(),
    indentOnInput(),
    highlightActiveLine(),
    syntaxHighlighting(HIGHLIGHT),
    keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
    EditorView.contentAttributes.of({ "aria-label": area.labels?.[0]?.textContent?.trim() || area.name }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) writeBack(area, update.state.doc.toString());
    }),
  ];
}

function writeBack(area: HTMLTextAreaElement, text: string): void {
  area.value = text;
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Django writes JSON in one line; nobody edits that. Long numbers would be rounded, so they stay. */
function readable(area: HTMLTextAreaElement): string {
  if (area.dataset.editor !== "json" || /\d{16}/.test(area.value)) return area.value;
  try {
    return JSON.stringify(JSON.parse(area.value), null, 2);
  } catch {
    return area.value;
  }
}
