import { currentLanguage } from "../../../i18n/language";

export type Setup = typeof import("./setup");

/** The editor's code, in the page's language: its menus read their words while they are loaded, so those come first. */
export async function loadMonaco(): Promise<Setup> {
  if (currentLanguage() === "zh-hans") await import("monaco-editor/nls/lang/zh-cn");
  return import("./setup");
}
