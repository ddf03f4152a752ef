import type { languages } from "monaco-editor/editor/editor.api";
import type { Monaco } from "./setup";

export const LANGUAGE = "paiban-liquid";

/** Liquid in plain text: what is written around the tags is prose, not HTML. */
const GRAMMAR: languages.IMonarchLanguage = {
  defaultToken: "",
  tokenizer: {
    root: [
      [/\{%-?\s*comment\s*-?%\}/, "comment", "@comment"],
      [/\{%-?\s*raw\s*-?%\}/, "keyword", "@raw"],
      [/\{%-?\s*#/, "comment", "@note"],
      [/\{\{-?/, "delimiter", "@output"],
      [/(\{%-?)(\s*)(\w+)/, ["delimiter", "", { token: "keyword", next: "@tag" }]],
      [/\{%-?/, "delimiter", "@tag"],
      [/[^{]+/, ""],
      [/\{/, ""],
    ],
    output: [[/-?\}\}/, "delimiter", "@pop"], { include: "@expression" }],
    tag: [[/-?%\}/, "delimiter", "@pop"], { include: "@expression" }],
    note: [[/-?%\}/, "comment", "@pop"], [/[^%-]+|./, "comment"]],
    comment: [[/\{%-?\s*endcomment\s*-?%\}/, "comment", "@pop"], [/[^{]+|./, "comment"]],
    raw: [[/\{%-?\s*endraw\s*-?%\}/, "keyword", "@pop"], [/[^{]+|./, ""]],
    expression: [
      [/(\|)(\s*)([\w-]+)/, ["delimiter", "", "filter"]],
      [/"[^"]*"|'[^']*'/, "string"],
      [/["'].*/, "string"],
      [/-?\d+(\.\d+)?/, "number"],
      [/\b(and|or|not|contains|in|with|as|for|limit|offset|reversed|true|false|nil|null|empty|blank)\b(?!\s*:)/, "keyword"],
      [/[A-Za-z_][\w-]*(?=\s*:)/, ""],
      [/[A-Za-z_][\w-]*/, "variable"],
      [/[^\w\s"'|}%-]+|./, "delimiter"],
    ],
  },
};

/** Quotes are not closed by themselves: most of them are apostrophes of the prose. */
const CONFIGURATION: languages.LanguageConfiguration = {
  autoClosingPairs: [{ open: "{", close: "}" }, { open: "{{", close: "}}" }],
  brackets: [["{{", "}}"], ["{%", "%}"]],
  surroundingPairs: ["{}", "()", "[]", '""', "''"].map((pair) => ({ open: pair.slice(0, 1), close: pair.slice(1) })),
  wordPattern: /[A-Za-z_][\w-]*/,
};

export function registerLiquid(monaco: Monaco): void {
  monaco.languages.register({ id: LANGUAGE });
  monaco.languages.setMonarchTokensProvider(LANGUAGE, GRAMMAR);
  monaco.languages.setLanguageConfiguration(LANGUAGE, CONFIGURATION);
}
