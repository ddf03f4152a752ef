import { reloadSession, saveSession, type Session } from "./session";
import type { TokenPair } from "./types";

type Spend = (refresh: string) => Promise<TokenPair | null>;

let running: Promise<string | null> | null = null;

/**
 * A fresh access token, or null when the session is over.
 *
 * A refresh token is spent once. Requests of this tab share one attempt; tabs take turns through a
 * lock, and whoever comes second finds the first one's tokens on disk and spends nothing.
 * Raises when the server cannot be reached, so that a bad network never signs anybody out.
 */
export function renewAccess(stale: string, spend: Spend): Promise<string | null> {
  running ??= exclusively(() => renew(stale, spend)).finally(() => {
    running = null;
  });
  return running;
}

async function renew(stale: string, spend: Spend): Promise<string | null> {
  const current = reloadSession();
  if (!current) return null;
  if (current.access !== stale) return current.access;
  const pair = await spend(current.refresh);
  return store(current, pair);
}

function store(current: Session, pair: TokenPair | null): string | null {
  saveSession(pair ? { ...current, ...pair } : null);
  return pair?.access ?? null;
}

/** `navigator.locks` exists on https and localhost only; elsewhere one tab's own queue must do. */
function exclusively<T>(work: () => Promise<T>): Promise<T> {
  if (!("locks" in navigator)) return work();
  return navigator.locks.request("paiban.refresh", work) as Promise<T>;
}
