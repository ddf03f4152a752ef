import { createRoot } from "react-dom/client";
import { isolate } from "../isolate";
import { readSource } from "../source";
import { PromptApi } from "./api";
import { guardChanges, takeOver } from "./form";
import { loadMonaco } from "./monaco/load";
import css from "./prompt.css?inline";
import { askAdmin, TokenKeeper } from "./token";
import type { EditorSource } from "./types";
import { Workbench, type Page } from "./Workbench";

/** Puts the editor in the place of the plain fields. Raises, with the page as it was, when its code cannot be had. */
export async function mountPromptEditor(host: HTMLElement): Promise<void> {
  const source = readSource(host.dataset.source) as EditorSource;
  const setup = await loadMonaco();
  const api = new PromptApi(new TokenKeeper(() => askAdmin(source.tokenUrl)));
  const guard = guardChanges(host, source);
  const page: Page = { host, source, setup, api, ...guard };
  takeOver(host);
  const box = isolate(host);
  addSheet(host);
  createRoot(box).render(<Workbench page={page} />);
}

function addSheet(host: HTMLElement): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  const root = host.shadowRoot;
  if (root) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}
