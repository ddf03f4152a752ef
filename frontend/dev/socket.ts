import type { WebSocket } from "ws";
import { bells, state, type DemoEvent, type DemoTask } from "./state.ts";

/** One-time tickets, as handed out by `POST /ws-ticket`. */
export const tickets = new Set<string>();

export function handleSocket(client: WebSocket, url: string): void {
  const ticket = new URL(url, "http://mock").searchParams.get("ticket") ?? "";
  if (!tickets.delete(ticket) || state.broken.has("ws")) return client.close(4401);
  const followed = new Set<string>();
  const send = (frame: object) => client.send(JSON.stringify(frame));
  const onEvent = (event: DemoEvent) => followed.has(event.task) && send(event);
  const onUpdate = (task: DemoTask) => send({ type: "task.update", task: task.id, status: task.status, progress: task.progress });
  const heartbeat = setInterval(() => send({ type: "heartbeat" }), 10_000);
  const onBreak = () => state.broken.has("ws") && client.terminate();
  bells.on("event", onEvent).on("update", onUpdate).on("break", onBreak);
  send({ type: "heartbeat" });

  client.on("message", (raw) => {
    const { subscribe, after = 0 } = JSON.parse(String(raw)) as { subscribe: string; after?: number };
    const task = state.tasks.get(subscribe);
    if (!task) return send({ type: "error", code: "TASKS_2002", message: "No such task." });
    followed.add(subscribe);
    for (const event of task.events) if (event.seq > after) send(event);
  });
  client.on("close", () => {
    clearInterval(heartbeat);
    bells.off("event", onEvent).off("update", onUpdate).off("break", onBreak);
  });
}
