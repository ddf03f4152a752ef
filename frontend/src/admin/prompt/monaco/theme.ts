import type { Monaco } from "./setup";

/** The same inks as `styles/tokens.css`; the editor takes colours as numbers only. */
const LIGHT = {
  paper: "#ffffff", band: "#f6f8f8", line: "#d9dedd", key: "#14181b", soft: "#4c565b", faint: "#6b767c",
  cyan: "#00769f", magenta: "#c2185f", green: "#1f7a4d", red: "#b3261e", amber: "#8a6100", wash: "#27a9dc33",
};
const DARK: Inks = {
  paper: "#14181b", band: "#1a1f23", line: "#2d3338", key: "#eef1f1", soft: "#a9b3b8", faint: "#7f8a91",
  cyan: "#58c4ea", magenta: "#ff6fa9", green: "#62c792", red: "#ff8a7d", amber: "#f3c52c", wash: "#2f8fb555",
};
type Inks = typeof LIGHT;

const ink = (colour: string) => colour.slice(1);

const rules = (inks: Inks) => [
  { token: "", foreground: ink(inks.key) },
  { token: "delimiter", foreground: ink(inks.faint) },
  { token: "variable", foreground: ink(inks.cyan), fontStyle: "bold" },
  { token: "keyword", foreground: ink(inks.magenta), fontStyle: "bold" },
  { token: "filter", foreground: ink(inks.magenta) },
  { token: "string", foreground: ink(inks.green) },
  { token: "number", foreground: ink(inks.amber) },
  { token: "comment", foreground: ink(inks.faint), fontStyle: "italic" },
];

const colours = (inks: Inks) => ({
  "editor.background": inks.paper,
  "editor.foreground": inks.key,
  "editorLineNumber.foreground": inks.faint,
  "editorLineNumber.activeForeground": inks.key,
  "editor.lineHighlightBackground": inks.band,
  "editor.lineHighlightBorder": "#00000000",
  "editor.selectionBackground": inks.wash,
  "editorCursor.foreground": inks.key,
  "editor.placeholder.foreground": inks.faint,
  "editorError.foreground": inks.red,
  "editorWarning.foreground": inks.amber,
  "editorWidget.background": inks.paper,
  "editorWidget.border": inks.line,
  "editorHoverWidget.background": inks.paper,
  "editorHoverWidget.border": inks.line,
  "editorSuggestWidget.background": inks.paper,
  "editorSuggestWidget.border": inks.line,
  "editorSuggestWidget.selectedBackground": inks.wash,
  "editorSuggestWidget.selectedForeground": inks.key,
  "editorSuggestWidget.highlightForeground": inks.cyan,
  "editorSuggestWidget.focusHighlightForeground": inks.cyan,
  ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((depth) => [`editorBracketHighlight.foreground${depth}`, inks.faint])),
  "editorBracketMatch.background": inks.wash,
  "editorBracketMatch.border": "#00000000",
  focusBorder: inks.cyan,
});

/** Both looks, and the one the admin wears now; a switch of its theme is followed at once. */
export function followTheme(monaco: Monaco): void {
  monaco.editor.defineTheme("paiban-light", { base: "vs", inherit: true, rules: rules(LIGHT), colors: colours(LIGHT) });
  monaco.editor.defineTheme("paiban-dark", { base: "vs-dark", inherit: true, rules: rules(DARK), colors: colours(DARK) });
  const apply = () => {
    const dark = document.documentElement.classList.contains("dark");
    monaco.editor.setTheme(dark ? "paiban-dark" : "paiban-light");
  };
  apply();
  new MutationObserver(apply).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
}
