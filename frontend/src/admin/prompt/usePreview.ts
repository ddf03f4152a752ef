import { useEffect, useState } from "react";
import { asApiError, type ApiError } from "../../api/errors";
import type { Draft, PromptApi } from "./api";
import type { Preview } from "./types";

const PAUSE_MS = 250;

export interface Previewed {
  /** The last answer, which stays while a newer one is on its way. */
  answer: Preview | null;
  error: ApiError | null;
  busy: boolean;
}

interface Question {
  api: PromptApi;
  /** Null while the draft cannot be asked about, because its variables are no list. */
  draft: Draft | null;
  values: Record<string, unknown>;
  model: string;
}

/** The draft rendered with `values`, a moment after the last key. A newer question ends the one before it. */
export function usePreview({ api, draft, values, model }: Question): Previewed {
  const [state, setState] = useState<Previewed>({ answer: null, error: null, busy: true });
  const asked = draft && JSON.stringify([draft, values, model]);
  useEffect(() => {
    if (!asked) return;
    const controller = new AbortController();
    const [given, filled, on] = JSON.parse(asked) as [Draft, Record<string, unknown>, string];
    const ask = async () => {
      setState((old) => ({ ...old, busy: true }));
      try {
        const answer = await api.preview(given, filled, on, controller.signal);
        if (!controller.signal.aborted) setState({ answer, error: null, busy: false });
      } catch (error) {
        if (!controller.signal.aborted) setState((old) => ({ ...old, error: asApiError(error), busy: false }));
      }
    };
    const timer = setTimeout(() => void ask(), PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [api, asked]);
  return state;
}
