import { createRoot } from "react-dom/client";
import { isolate } from "../isolate";
import { readSource } from "../source";
import { Designer } from "./Designer";
import type { FormParts } from "./fields";
import css from "./wizard.css?inline";

const AREAS = { schema: "id_form_schema", ui: "id_ui_schema" } as const;

/** Puts the form designer above the two JSON fields of the page, and keeps those up to date. Raises when it cannot. */
export function mountWizardPage(host: HTMLElement): Promise<void> {
  if (!readSource(host.dataset.source)) throw new Error("the page hands nothing over");
  const given = { schema: read(AREAS.schema), ui: read(AREAS.ui) };
  const box = isolate(host);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  if (host.shadowRoot) host.shadowRoot.adoptedStyleSheets = [...host.shadowRoot.adoptedStyleSheets, sheet];
  createRoot(box).render(<Designer given={given} onChange={write} />);
  return Promise.resolve();
}

const area = (id: string) => document.getElementById(id) as HTMLTextAreaElement | null;

function read(id: string): Record<string, unknown> {
  return JSON.parse(area(id)?.value || "{}") as Record<string, unknown>;
}

function write(parts: FormParts): void {
  put(AREAS.schema, parts.schema);
  put(AREAS.ui, parts.ui);
}

/** The preview beside it follows what is typed in these fields. */
function put(id: string, value: unknown): void {
  const field = area(id);
  if (!field) return;
  field.value = JSON.stringify(value, null, 2);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
