import { createStore } from "../ui/store";

export interface Place {
  path: string;
  query: URLSearchParams;
}

export const place = createStore<Place>(here());

/** Moves to an address of this app. `quiet` keeps scroll and focus: the same page, a detail changed. */
export function navigate(to: string, options: { replace?: boolean; quiet?: boolean } = {}): void {
  history[options.replace ? "replaceState" : "pushState"](null, "", to);
  place.set(here());
  if (!options.quiet) window.scrollTo(0, 0);
}

window.addEventListener("popstate", () => place.set(here()));

function here(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

/** The named parts of a path such as `/f/:key`, or null. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const names = pattern.split("/");
  const parts = path.replace(/\/+$/, "").split("/");
  if (names.length !== parts.length) return null;
  const found: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const part = parts[index] ?? "";
    if (name.startsWith(":")) found[name.slice(1)] = decodeURIComponent(part);
    else if (name !== part) return null;
  }
  return found;
}

/** Only addresses of our own: a sign-in link must not send anybody elsewhere. */
export function safeNext(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : "/";
}
