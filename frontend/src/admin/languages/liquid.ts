import { liquid } from "@codemirror/lang-liquid";
import { EditorView } from "@codemirror/view";

export const extensions = [liquid(), EditorView.lineWrapping];
