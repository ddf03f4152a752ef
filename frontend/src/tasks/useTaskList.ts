import { useCallback, useEffect, useRef, useState } from "react";
import { listTasks } from "../api/endpoints";
import { asApiError, type ApiError } from "../api/errors";
import type { TaskStatus, TaskSummary } from "../api/types";
import { language } from "../i18n/language";
import type { TaskUpdate } from "../realtime";
import { useStore } from "../ui/store";
import { isOver } from "./progress";
import { realtime } from "./realtime";

interface State {
  items: TaskSummary[] | null;
  next: string | null;
  error: ApiError | null;
  busy: boolean;
}

/** Pages of the reader's tasks; the status of each moves as news arrives. */
export function useTaskList() {
  const [state, setState] = useState<State>({ items: null, next: null, error: null, busy: false });
  const chosen = useStore(language);

  const load = useCallback(async (cursor: string | null) => {
    setState((old) => ({ ...old, busy: true, error: null }));
    try {
      const page = await listTasks(cursor);
      setState((old) => ({ items: cursor ? [...(old.items ?? []), ...page.items] : page.items, next: page.next, error: null, busy: false }));
    } catch (failure) {
      setState((old) => ({ ...old, error: asApiError(failure), busy: false }));
    }
  }, []);

  useEffect(() => {
    void Promise.resolve().then(() => load(null));
  }, [load, chosen]);

  useUpdates(state.items, (update) => setState((old) => ({ ...old, items: patch(old.items, update) })), () => void load(null));
  return { ...state, reload: () => void load(null), more: () => state.next && void load(state.next) };
}

/** A task not on the list, or one that has just ended, needs the first page again. */
function useUpdates(items: TaskSummary[] | null, apply: (update: TaskUpdate) => void, reload: () => void): void {
  const latest = useRef({ items, apply, reload });
  useEffect(() => {
    latest.current = { items, apply, reload };
  });
  useEffect(() => realtime.onUpdate((update) => {
    const known = latest.current.items?.find((item) => item.id === update.task);
    const ended = known !== undefined && !isOver(known.status) && isOver(update.status as TaskStatus);
    if (!known || ended) latest.current.reload();
    else latest.current.apply(update);
  }), []);
}

function patch(items: TaskSummary[] | null, update: TaskUpdate): TaskSummary[] | null {
  return items?.map((item) => (item.id === update.task ? { ...item, status: update.status as TaskStatus, progress: update.progress } : item)) ?? null;
}
