import { Sequence } from "./sequence";
import { isTerminal, type Handlers, type Link, type Snapshot, type TaskEvent } from "./types";

/** One reader of one task: its place in the log, and whom to tell. */
export class Watch<S extends Snapshot> {
  readonly task: string;
  readonly sequence: Sequence;
  done = false;
  #handlers: Handlers<S>;
  #link: Link | null = null;

  constructor(task: string, after: number, handlers: Handlers<S>) {
    this.task = task;
    this.sequence = new Sequence(after);
    this.#handlers = handlers;
  }

  /**
   * Takes an event from any transport. Returns what to do about a hole: `resume` asks the server
   * again from the last number seen, `reread` means that it is gone for good.
   */
  receive(event: TaskEvent): "ok" | "resume" | "reread" {
    if (this.done) return "ok";
    if (event.seq === null) return this.#deliver(event);
    const verdict = this.sequence.judge(event.seq);
    if (verdict === "repeat") return "ok";
    if (verdict === "next") return this.#deliver(event);
    if (!this.sequence.isStuck()) return "resume";
    this.sequence.skipTo(event.seq);
    this.#deliver(event);
    return "reread";
  }

  receiveSnapshot(snapshot: S): void {
    if (this.done) return;
    this.sequence.skipTo(snapshot.last_seq);
    this.#handlers.onSnapshot(snapshot);
    if (isTerminal(snapshot.status)) this.finish();
  }

  setLink(link: Link): void {
    if (this.#link === link || this.done) return;
    this.#link = link;
    this.#handlers.onLink?.(link);
  }

  finish(): void {
    this.setLink("closed");
    this.done = true;
  }

  #deliver(event: TaskEvent): "ok" {
    this.#handlers.onEvent(event);
    if (isTerminal(event.type)) this.finish();
    return "ok";
  }
}
