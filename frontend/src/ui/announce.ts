let region: HTMLElement | null = null;

/** Says a short sentence to screen readers without moving anybody's focus. */
export function announce(text: string): void {
  region ??= createRegion();
  region.textContent = "";
  // Readers speak on a change of the text; the same sentence twice needs the gap.
  setTimeout(() => region && (region.textContent = text), 60);
}

function createRegion(): HTMLElement {
  const element = document.createElement("div");
  // Two style sheets hide it: the storefront's own, and that of the admin's pages.
  element.className = "visually-hidden pb-hidden";
  element.setAttribute("role", "status");
  element.setAttribute("aria-live", "polite");
  document.body.append(element);
  return element;
}
