import { BASE } from "../api/client";
import { createStore } from "../ui/store";

const REOPEN_MS = 5_000;
const POLL_MS = 15_000;

/** Grows whenever an operator publishes. Whoever shows configuration reads it again on a change. */
export const revision = createStore(0);

let source: EventSource | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let downSince: number | null = null;

/** Listens for the life of the page. */
export function listenForRevisions(): void {
  open();
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && source === null) open();
  });
}

function open(): void {
  clearTimeout(timer);
  source?.close();
  source = new EventSource(`${BASE}/ui/events`);
  source.addEventListener("revision", (event) => heard(event as MessageEvent<string>));
  source.onerror = reopenLater;
}

function heard(event: MessageEvent<string>): void {
  downSince = null;
  const next = Number((JSON.parse(event.data) as { revision: number }).revision);
  if (next !== revision.get()) revision.set(next);
}

/**
 * The browser gives up on its own after an HTTP error, hence our own attempts. While the stream is
 * down the revision is nudged, and readers find out by ETag whether anything is new.
 */
function reopenLater(): void {
  source?.close();
  source = null;
  const now = Date.now();
  downSince ??= now;
  if (now - downSince >= POLL_MS) {
    downSince = now;
    revision.set(revision.get() + 0.001);
  }
  timer = setTimeout(open, REOPEN_MS);
}
