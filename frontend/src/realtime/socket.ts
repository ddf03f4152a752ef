import { backoff } from "./backoff";
import type { SocketLike } from "./types";

/** The server beats every 10 s; after two missed beats the line is dead, whatever TCP believes. */
const SILENCE_MS = 25_000;

interface Listener {
  onOpen: () => void;
  onFrame: (frame: unknown) => void;
  onDown: (failures: number) => void;
}

interface Opener {
  ticket: () => Promise<string>;
  openSocket: (ticket: string) => SocketLike;
  random?: () => number;
}

/** A websocket that comes back: a new ticket for each attempt, longer waits after each failure. */
export class ReconnectingSocket {
  #opener: Opener;
  #listener: Listener;
  #socket: SocketLike | null = null;
  #failures = 0;
  #open = false;
  #wanted = false;
  /** A ticket that arrives after a stop carries an old number and is dropped. */
  #generation = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(opener: Opener, listener: Listener) {
    this.#opener = opener;
    this.#listener = listener;
  }

  get open(): boolean {
    return this.#open;
  }

  start(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    void this.#connect();
  }

  stop(): void {
    this.#wanted = false;
    this.#generation += 1;
    this.#failures = 0;
    this.#drop();
  }

  /** Frames sent while the line is down are dropped: opening subscribes again anyway. */
  send(frame: object): void {
    if (this.#open) this.#socket?.send(JSON.stringify(frame));
  }

  /** Tries at once, for a network that has just come back. */
  hurry(): void {
    if (!this.#wanted || !this.#retry) return;
    clearTimeout(this.#retry);
    void this.#connect();
  }

  async #connect(): Promise<void> {
    const generation = this.#generation;
    this.#retry = undefined;
    try {
      const ticket = await this.#opener.ticket();
      if (generation === this.#generation) this.#attach(this.#opener.openSocket(ticket));
    } catch {
      if (generation === this.#generation) this.#down();
    }
  }

  #attach(socket: SocketLike): void {
    this.#socket = socket;
    const mine = () => this.#socket === socket;
    this.#listenForSilence();
    socket.onopen = () => void (mine() && this.#opened());
    socket.onmessage = (event) => void (mine() && this.#message(event.data));
    socket.onclose = () => void (mine() && this.#down());
  }

  #opened(): void {
    this.#open = true;
    this.#listener.onOpen();
  }

  #message(data: unknown): void {
    this.#listenForSilence();
    // Only a frame proves that the ticket was taken: a refused socket opens before it closes.
    this.#failures = 0;
    try {
      this.#listener.onFrame(JSON.parse(String(data)));
    } catch {
      // One unreadable frame leaves a hole, which the sequence finds and fills.
    }
  }

  #down(): void {
    this.#drop();
    this.#failures += 1;
    this.#listener.onDown(this.#failures);
    this.#retry = setTimeout(() => void this.#connect(), backoff(this.#failures, this.#opener.random));
  }

  #drop(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#retry = undefined;
    this.#open = false;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #listenForSilence(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#down(), SILENCE_MS);
  }
}
