/** Upgrades `textarea[data-editor]`. The textarea stays the form's field, and the fallback. */
export function mountEditors(): void {
  const areas = document.querySelectorAll<HTMLTextAreaElement>("textarea[data-editor]");
  if (areas.length === 0) return;
  // Without the editor's code the plain textarea works as before.
  const keepPlain = () => {};
  void import("./editor").then(({ upgrade }) => areas.forEach((area) => void upgrade(area).catch(keepPlain)), keepPlain);
}
