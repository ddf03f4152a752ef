import { backoff, sleep } from "./backoff";
import { fromMessage } from "./frames";
import { readMessages } from "./sse";
import type { Snapshot, Transports } from "./types";
import type { Watch } from "./watch";

const POLL_MS = 2_000;
const STREAM_ATTEMPTS = 2;
/** As on the websocket: the stream beats every 10 s. */
const SILENCE_MS = 25_000;

type Source<S extends Snapshot> = Pick<Transports<S>, "openStream" | "readTask" | "random">;

/** Follows one task without a websocket: by its event stream, and by reading it when that fails too. */
export async function follow<S extends Snapshot>(watch: Watch<S>, source: Source<S>, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!watch.done && !signal.aborted && failures < STREAM_ATTEMPTS) {
    const alive = await streamOnce(watch, source, signal);
    failures = alive ? 0 : failures + 1;
    if (!watch.done) await sleep(backoff(failures, source.random), signal);
  }
  if (!watch.done && !signal.aborted) await poll(watch, source, signal);
}

/** True when the stream said anything before it ended. */
async function streamOnce<S extends Snapshot>(watch: Watch<S>, source: Source<S>, outer: AbortSignal): Promise<boolean> {
  const inner = new AbortController();
  const stop = () => inner.abort();
  outer.addEventListener("abort", stop);
  try {
    const response = await source.openStream(watch.task, watch.sequence.last, inner.signal);
    if (response.status === 204 || !response.body) return await reread(watch, source);
    return await consume(watch, source, response.body, inner);
  } catch {
    return false;
  } finally {
    stop();
    outer.removeEventListener("abort", stop);
  }
}

async function consume<S extends Snapshot>(
  watch: Watch<S>,
  source: Source<S>,
  body: ReadableStream<Uint8Array>,
  control: AbortController,
): Promise<boolean> {
  let heard = false;
  const silence = () => setTimeout(() => control.abort(), SILENCE_MS);
  let timer = silence();
  try {
    for await (const message of readMessages(body)) {
      clearTimeout(timer);
      timer = silence();
      heard = true;
      watch.setLink("stream");
      const event = message && fromMessage(message, watch.task);
      const need = event ? watch.receive(event) : "ok";
      if (need === "reread") await reread(watch, source);
      if (need === "resume" || watch.done || control.signal.aborted) break;
    }
  } finally {
    clearTimeout(timer);
  }
  return heard;
}

async function reread<S extends Snapshot>(watch: Watch<S>, source: Source<S>): Promise<boolean> {
  watch.receiveSnapshot(await source.readTask(watch.task));
  return true;
}

async function poll<S extends Snapshot>(watch: Watch<S>, source: Source<S>, signal: AbortSignal): Promise<void> {
  while (!watch.done && !signal.aborted) {
    try {
      const snapshot = await source.readTask(watch.task);
      if (signal.aborted) return;
      watch.setLink("polling");
      watch.receiveSnapshot(snapshot);
    } catch {
      watch.setLink("reconnecting");
    }
    if (!watch.done) await sleep(POLL_MS, signal);
  }
}
