export { RealtimeClient } from "./client";
export { isTerminal } from "./types";
export type { Handlers, Link, Snapshot, SocketLike, TaskEvent, TaskUpdate, Transports } from "./types";
