/** Loads the prompt editor on a prompt's page, and nothing of it on any other. */
export function mountPrompt(): void {
  const host = document.querySelector<HTMLElement>('[data-paiban="prompt-editor"]');
  if (!host) return;
  const failed = host.querySelector<HTMLElement>("[data-failed]");
  import("./prompt/mount").then(({ mountPromptEditor }) => mountPromptEditor(host)).catch(() => {
    // The plain fields are still there and do the same; they are only less comfortable.
    document.querySelector("fieldset.pe-plain")?.before(host);
    host.hidden = false;
    if (failed) failed.hidden = false;
  });
}
