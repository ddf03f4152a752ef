/** Loads the test run where a page has one by itself. */
export function mountTrial(): void {
  const host = document.querySelector<HTMLElement>('[data-paiban="trial"]');
  if (!host) return;
  import("./flow/mount").then((module) => module.mountTrial(host)).catch(() => {
    const failed = host.querySelector<HTMLElement>("[data-failed]");
    if (failed) failed.hidden = false;
  });
}

/** Loads the flow editor on a pipeline's page, and nothing of it on any other. */
export function mountFlow(): void {
  const host = document.querySelector<HTMLElement>('[data-paiban="flow"]');
  if (!host) return;
  import("./flow/mount").then(({ mountFlowEditor }) => mountFlowEditor(host)).catch(() => {
    // The graph's own field is still there; the page says why there is no more.
    host.hidden = false;
    const failed = host.querySelector<HTMLElement>("[data-failed]");
    if (failed) failed.hidden = false;
  });
}
