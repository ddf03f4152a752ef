import { call, callRaw } from "./client";
import { withPreview } from "./preview";
import { saveSession, session, type Session } from "./session";
import type { FeatureSchema, Menus, Page, Quota, Task, TaskSummary, User, Values } from "./types";

export async function signIn(username: string, password: string): Promise<void> {
  const body = { username, password };
  saveSession(await call<Session>("/auth/login", { method: "POST", body }));
}

/** The tab forgets the session even when the server cannot be told. */
export async function signOut(): Promise<void> {
  const current = session.get();
  if (!current) return;
  await call("/auth/logout", { method: "POST", body: { refresh: current.refresh } }).catch(() => {});
  saveSession(null);
}

export const readMe = () => call<User>("/auth/me");
export const readQuota = () => call<Quota>("/quota");

/** `no-cache` revalidates by ETag: unchanged menus cost a 304 and no body. */
export const readMenus = () => call<Menus>(withPreview("/ui/menus"), { cache: "no-cache" });

export const readFeature = (key: string) =>
  call<FeatureSchema>(withPreview(`/ui/schema?feature=${encodeURIComponent(key)}`), { cache: "no-cache" });

export const readTask = (id: string) => call<Task>(`/tasks/${encodeURIComponent(id)}`);

export const cancelTask = (id: string) =>
  call<Task>(`/tasks/${encodeURIComponent(id)}/cancel`, { method: "POST" });

/** 409 when somebody else was first, 410 when it is too late, 422 with a pointer per field. */
export const answerTask = (id: string, path: string, answer: Values, option: string) =>
  call<Task>(`/tasks/${encodeURIComponent(id)}/answers/${encodeURIComponent(path)}`, { method: "POST", body: { answer, option } });

export const listTasks = (cursor: string | null) =>
  call<Page<TaskSummary>>(cursor ? `/tasks?cursor=${encodeURIComponent(cursor)}` : "/tasks");

/** `key` belongs to one press of the button: a repeat with the same key cannot run or cost twice. */
export const startTask = (feature: string, input: Values, key: string) =>
  call<{ id: string }>("/tasks", {
    method: "POST",
    body: { feature, input },
    headers: { "Idempotency-Key": key },
  });

export const readTicket = () =>
  call<{ ticket: string }>("/ws-ticket", { method: "POST" }).then((answer) => answer.ticket);

export const openTaskStream = (id: string, after: number, signal: AbortSignal) =>
  callRaw(`/tasks/${encodeURIComponent(id)}/stream`, {
    headers: { Accept: "text/event-stream", "Last-Event-ID": String(after) },
    cache: "no-store",
    signal,
  });
