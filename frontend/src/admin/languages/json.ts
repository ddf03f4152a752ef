import { json, jsonParseLinter } from "@codemirror/lang-json";
import { linter, lintGutter } from "@codemirror/lint";

export const extensions = [json(), linter(jsonParseLinter()), lintGutter()];
