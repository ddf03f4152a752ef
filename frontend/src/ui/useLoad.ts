import { useCallback, useEffect, useRef, useState } from "react";
import { asApiError, type ApiError } from "../api/errors";

export interface Loaded<T> {
  data: T | null;
  error: ApiError | null;
  reload: () => void;
}

/**
 * Loads for `key`, again on `reload` or a new key. Old data stays until the new arrives, unless the
 * subject (`key` up to the first space) is another one: a refresh must not blank the page.
 */
export function useLoad<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ subject: string; data: T | null; error: ApiError | null }>(() => blank(key));
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  useEffect(() => {
    latest.current = load;
  });
  useEffect(() => {
    let current = true;
    const settle = (next: { data?: T; error?: ApiError }) => {
      if (current) setState((old) => merge(old, subjectOf(key), next));
    };
    latest.current().then((data) => settle({ data }), (error: unknown) => settle({ error: asApiError(error) }));
    return () => {
      current = false;
    };
  }, [key, round]);
  const reload = useCallback(() => setRound((n) => n + 1), []);
  const shown = state.subject === subjectOf(key) ? state : blank<T>(key);
  return { data: shown.data, error: shown.error, reload };
}

const subjectOf = (key: string) => key.split(" ")[0] ?? key;

const blank = <T,>(key: string) => ({ subject: subjectOf(key), data: null as T | null, error: null as ApiError | null });

function merge<T>(old: { subject: string; data: T | null }, subject: string, next: { data?: T; error?: ApiError }) {
  const kept = old.subject === subject ? old.data : null;
  return { subject, data: next.data ?? kept, error: next.error ?? null };
}
