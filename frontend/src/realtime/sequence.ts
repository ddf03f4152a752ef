export type Verdict = "next" | "repeat" | "gap";

/** Holds a task's place in its log: each number is let through once and in order. */
export class Sequence {
  #last: number;
  #gapAt: number | null = null;

  constructor(after: number) {
    this.#last = after;
  }

  get last(): number {
    return this.#last;
  }

  /** Moves on when the event may be delivered. */
  judge(seq: number): Verdict {
    if (seq <= this.#last) return "repeat";
    if (seq > this.#last + 1) return "gap";
    this.#last = seq;
    this.#gapAt = null;
    return "next";
  }

  /** True when asking again already met this very hole: the log no longer holds what is missing. */
  isStuck(): boolean {
    const stuck = this.#gapAt === this.#last;
    this.#gapAt = this.#last;
    return stuck;
  }

  /** Jumps ahead, after a snapshot has covered everything up to `seq`. */
  skipTo(seq: number): void {
    if (seq > this.#last) this.#last = seq;
    this.#gapAt = null;
  }
}
