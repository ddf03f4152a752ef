import { createStore } from "../ui/store";
import type { TokenPair, User } from "./types";

const KEY = "paiban.session";

export interface Session extends TokenPair {
  user: User;
}

/** Who is signed in, shared by all tabs of this browser through `localStorage`. */
export const session = createStore<Session | null>(read());

export function saveSession(next: Session | null): void {
  if (next) localStorage.setItem(KEY, JSON.stringify(next));
  else localStorage.removeItem(KEY);
  session.set(next);
}

/** Another tab may have rotated the tokens a moment ago: the disk knows, memory does not. */
export function reloadSession(): Session | null {
  const stored = read();
  session.set(stored);
  return stored;
}

function read(): Session | null {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "null") as Session | null;
  } catch {
    return null;
  }
}

if (typeof window !== "undefined") {
  window.addEventListener("storage", (event) => {
    if (event.key === KEY || event.key === null) reloadSession();
  });
}
