import { openTaskStream, readTask, readTicket } from "../api/endpoints";
import { session } from "../api/session";
import type { Task } from "../api/types";
import { RealtimeClient, type SocketLike } from "../realtime";

/** The one line to the server that all pages share. */
export const realtime = new RealtimeClient<Task>({
  ticket: readTicket,
  openSocket: (ticket) => new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws/?ticket=${encodeURIComponent(ticket)}`) as SocketLike,
  openStream: openTaskStream,
  readTask,
});

window.addEventListener("online", () => realtime.hurry());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) realtime.hurry();
});
session.subscribe(() => {
  if (session.get() === null) realtime.stop();
});
