/**
 * Runs before the first paint, so that a dark screen never flashes white.
 * A classic script with no imports: modules run too late for this.
 */
(() => {
  const root = document.documentElement;
  try {
    const theme = localStorage.getItem("paiban.theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    const stored = localStorage.getItem("paiban.language");
    const language = stored ?? navigator.language.toLowerCase();
    root.lang = language.startsWith("zh") ? "zh-Hans" : "en";
  } catch {
    // Storage can be blocked by the browser: the page then follows the system.
  }
})();
