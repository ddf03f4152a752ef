import { useCallback, useEffect, useState } from "react";
import { answerTask, cancelTask, readTask } from "../api/endpoints";
import { asApiError, type ApiError } from "../api/errors";
import type { Task, Values } from "../api/types";
import { refreshQuota } from "../auth/quota";
import { rememberFiles } from "../forms/files";
import { isTerminal, type Link } from "../realtime";
import { applyEvent, isOver, type LiveTask } from "./progress";
import { realtime } from "./realtime";

export interface TaskView {
  task: LiveTask | null;
  error: ApiError | null;
  link: Link;
  reload: () => void;
  cancel: () => Promise<void>;
  /** Raises what the server has against the answer. */
  answer: (path: string, answer: Values, option: string) => Promise<void>;
}

/** One task, live: read once, followed until it ends, then read again for its output and cost. */
export function useTask(id: string): TaskView {
  const [task, setTask] = useState<LiveTask | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [link, setLink] = useState<Link>("connecting");
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((n) => n + 1), []);

  useEffect(() => follow(id, { setTask, setError, setLink }), [id, round]);

  const cancel = useCallback(async () => {
    try {
      const answer = await cancelTask(id);
      setTask((old) => merge(old, answer));
    } catch (failure) {
      setError(asApiError(failure));
    }
  }, [id]);

  const answer = useCallback(async (path: string, given: Values, option: string) => {
    const after = await answerTask(id, path, given, option);
    setTask((old) => merge(old, after));
  }, [id]);

  const mine = task?.id === id ? task : null;
  return { task: mine, error, link, reload, cancel, answer };
}

interface Setters {
  setTask: (change: (old: LiveTask | null) => LiveTask | null) => void;
  setError: (error: ApiError | null) => void;
  setLink: (link: Link) => void;
}

function follow(id: string, { setTask, setError, setLink }: Setters): () => void {
  let stopped = false;
  let unwatch = () => {};
  const show = (answer: Task) => {
    if (stopped) return;
    rememberFiles(answer.files ?? {});
    setTask((old) => merge(old, answer));
    setError(null);
    if (isOver(answer.status)) void refreshQuota();
  };
  const fail = (failure: unknown) => !stopped && setError(asApiError(failure));
  const read = () => readTask(id).then((answer) => (show(answer), answer));

  read().then((answer) => {
    if (stopped || isOver(answer.status)) return;
    unwatch = realtime.watch(id, answer.last_seq, {
      onEvent: (event) => {
        setTask((old) => old && applyEvent(old, event));
        if (isTerminal(event.type) || ASKING.includes(event.type)) read().catch(fail);
      },
      onSnapshot: show,
      onLink: setLink,
    });
  }).catch(fail);

  return () => {
    stopped = true;
    unwatch();
  };
}

/** What is asked, and whether it still is, stands in the task alone. */
const ASKING = ["waiting_input", "answered"];

/** A late answer must not take back a state that an event has already moved on. */
function merge(old: LiveTask | null, answer: Task): LiveTask {
  const same = old?.id === answer.id ? old : null;
  if (same && same.last_seq > answer.last_seq && !isOver(answer.status)) return same;
  return { ...answer, steps: answer.steps ?? [], files: answer.files ?? {}, texts: same?.texts ?? {} };
}
