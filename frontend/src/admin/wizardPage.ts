/** Loads what helps on the pages that lead to a new feature, and nothing of it on any other. */
export function mountWizard(): void {
  rereadOnReturn();
  const host = document.querySelector<HTMLElement>('[data-paiban="wizard"]');
  if (!host) return;
  import("./wizard/mount").then(({ mountWizardPage }) => mountWizardPage(host)).catch(() => {
    // The forms are still there and do the same; they are only less comfortable.
    const failed = host.querySelector<HTMLElement>("[data-failed]");
    if (failed) failed.hidden = false;
  });
}

/** A page that shows what is changed in another tab is read again when one comes back to it. */
function rereadOnReturn(): void {
  if (!document.querySelector("[data-reread]")) return;
  let left = false;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) left = true;
    else if (left) location.reload();
  });
}
