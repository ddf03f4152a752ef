/** Loads what helps on the pages that lead to a new feature, and nothing of it on any other. */
export function mountWizard(): void {
  const host = document.querySelector<HTMLElement>('[data-paiban="wizard"]');
  if (!host) return;
  import("./wizard/mount").then(({ mountWizardPage }) => mountWizardPage(host)).catch(() => {
    // The forms are still there and do the same; they are only less comfortable.
    const failed = host.querySelector<HTMLElement>("[data-failed]");
    if (failed) failed.hidden = false;
  });
}
