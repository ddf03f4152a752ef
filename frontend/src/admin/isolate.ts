import tokens from "../styles/tokens.css?inline";
import base from "../styles/base.css?inline";
import controls from "../styles/controls.css?inline";
import forms from "../styles/forms.css?inline";
import tasks from "../styles/tasks.css?inline";
import admin from "../styles/admin.css?inline";

let sheet: CSSStyleSheet | null = null;

/**
 * A shadow root with our styles in it: neither the admin theme's resets nor our class names reach
 * across, and an adopted sheet needs no exception in a content security policy.
 */
export function isolate(host: HTMLElement): HTMLElement {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [(sheet ??= buildSheet())];
  followTheme(host);
  const box = document.createElement("div");
  root.append(box);
  return box;
}

function buildSheet(): CSSStyleSheet {
  const built = new CSSStyleSheet();
  const text = [tokens, base, controls, forms, tasks, admin].join("\n");
  built.replaceSync(text.replace(/:root(\[[^\]]+\])/g, ":host($1)").replaceAll(":root", ":host"));
  return built;
}

/** The admin theme marks dark mode with a class on `<html>`; the tokens know an attribute. */
function followTheme(host: HTMLElement): void {
  const apply = () => {
    host.dataset.theme = document.documentElement.classList.contains("dark") ? "dark" : "light";
  };
  apply();
  new MutationObserver(apply).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
}
