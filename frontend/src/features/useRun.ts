import { useRef, useState } from "react";
import { startTask } from "../api/endpoints";
import { asApiError, type ApiError } from "../api/errors";
import type { Values } from "../api/types";
import { refreshQuota } from "../auth/quota";
import { uuid } from "../ui/uuid";

/** Starts a run. A repeat after a lost answer carries the same key, so it cannot run twice. */
export function useRun(feature: string, onStarted: (task: string) => void) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const press = useRef<{ input: string; key: string } | null>(null);

  const run = async (input: Values) => {
    const body = JSON.stringify(input);
    // Only a press whose outcome is unknown keeps its key, and only for the very same input.
    if (press.current?.input !== body) press.current = { input: body, key: uuid() };
    setBusy(true);
    setError(null);
    try {
      const task = await startTask(feature, input, press.current.key);
      press.current = null;
      onStarted(task.id);
      void refreshQuota();
    } catch (failure) {
      const problem = asApiError(failure);
      if (problem.status !== 0 && problem.status < 500) press.current = null;
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return { run, busy, error, clearError: () => setError(null) };
}
