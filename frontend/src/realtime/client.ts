import { follow } from "./follow";
import { asTaskEvent, asTaskUpdate } from "./frames";
import { ReconnectingSocket } from "./socket";
import type { Handlers, Snapshot, TaskEvent, TaskUpdate, Transports } from "./types";
import { Watch } from "./watch";

/** Failed attempts in a row before each task is followed by other means. The socket keeps trying. */
const PATIENCE = 3;
/** Pages follow one another: the socket of the last one is kept for the next. */
const LINGER_MS = 5_000;

/**
 * News of tasks as they happen, without gaps or repeats, over whatever transport works.
 *
 *     const stop = client.watch(taskId, lastSeq, { onEvent, onSnapshot, onLink });
 */
export class RealtimeClient<S extends Snapshot = Snapshot> {
  #transports: Transports<S>;
  #socket: ReconnectingSocket;
  #watches = new Map<Watch<S>, AbortController | null>();
  #listeners = new Set<(update: TaskUpdate) => void>();
  #linger: ReturnType<typeof setTimeout> | undefined;

  constructor(transports: Transports<S>) {
    this.#transports = transports;
    this.#socket = new ReconnectingSocket(transports, {
      onOpen: () => this.#opened(),
      onFrame: (frame) => this.#route(frame),
      onDown: (failures) => this.#wentDown(failures),
    });
  }

  /** Follows a task from after `after` until it ends or the returned function is called. */
  watch(task: string, after: number, handlers: Handlers<S>): () => void {
    const watch = new Watch<S>(task, after, handlers);
    this.#watches.set(watch, null);
    watch.setLink("connecting");
    if (this.#socket.open) this.#subscribe(watch);
    this.#wake();
    return () => this.#remove(watch);
  }

  /** Hears a short word about every task of the user; meant for lists. */
  onUpdate(listener: (update: TaskUpdate) => void): () => void {
    this.#listeners.add(listener);
    this.#wake();
    return () => {
      this.#listeners.delete(listener);
      this.#rest();
    };
  }

  /** Tries again at once: the browser says that the network is back, or the page is seen again. */
  hurry(): void {
    this.#socket.hurry();
  }

  /** Drops the line at once; for signing out. */
  stop(): void {
    for (const watch of [...this.#watches.keys()]) this.#remove(watch);
    clearTimeout(this.#linger);
    this.#socket.stop();
  }

  #wake(): void {
    clearTimeout(this.#linger);
    this.#socket.start();
  }

  #rest(): void {
    if (this.#watches.size > 0 || this.#listeners.size > 0) return;
    clearTimeout(this.#linger);
    this.#linger = setTimeout(() => this.#socket.stop(), LINGER_MS);
  }

  #remove(watch: Watch<S>): void {
    this.#watches.get(watch)?.abort();
    watch.done = true;
    this.#watches.delete(watch);
    this.#rest();
  }

  #opened(): void {
    for (const watch of this.#watches.keys()) this.#subscribe(watch);
  }

  #subscribe(watch: Watch<S>): void {
    if (watch.done) return;
    this.#socket.send({ subscribe: watch.task, after: watch.sequence.last });
  }

  #route(frame: unknown): void {
    this.#socketWorks();
    const update = asTaskUpdate(frame);
    if (update) for (const listener of [...this.#listeners]) listener(update);
    const event = update ? null : asTaskEvent(frame);
    if (event) this.#deliver(event);
  }

  #deliver(event: TaskEvent): void {
    for (const watch of [...this.#watches.keys()]) {
      if (watch.task !== event.task || watch.done) continue;
      const need = watch.receive(event);
      if (need === "resume") this.#subscribe(watch);
      if (need === "reread") void this.#reread(watch);
    }
  }

  async #reread(watch: Watch<S>): Promise<void> {
    const snapshot = await this.#transports.readTask(watch.task).catch(() => null);
    if (snapshot) watch.receiveSnapshot(snapshot);
  }

  /** Any frame proves the line, so the substitutes stop. */
  #socketWorks(): void {
    for (const [watch, substitute] of this.#watches) {
      substitute?.abort();
      this.#watches.set(watch, null);
      watch.setLink("live");
    }
  }

  #wentDown(failures: number): void {
    for (const [watch, substitute] of this.#watches) {
      if (watch.done || substitute) continue;
      watch.setLink("reconnecting");
      if (failures >= PATIENCE) this.#substitute(watch);
    }
  }

  #substitute(watch: Watch<S>): void {
    const controller = new AbortController();
    this.#watches.set(watch, controller);
    void follow(watch, this.#transports, controller.signal);
  }
}
