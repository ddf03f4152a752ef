import { asApiError } from "../../../api/errors";
import { readMessages } from "../../../realtime/sse";
import type { Store } from "../../../ui/store";
import { isAbsent, type FlowApi } from "../api";
import type { TrialEvent, TrialRequest } from "../trialTypes";
import { isOver, NO_TRIAL, told, type Trial } from "./trial";

const TRIES = 5;
const pause = (ms: number, signal: AbortSignal) => new Promise<void>((done) => {
  const timer = setTimeout(done, ms);
  signal.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
});

/** Starts a run and follows it to its end. A stream that breaks off is taken up again where it was. */
export async function follow(api: FlowApi, store: Store<Trial>, body: TrialRequest, signal: AbortSignal, wait = pause): Promise<void> {
  store.set({ ...NO_TRIAL, phase: "starting", mode: body.mode });
  const first = await api.startTrial(body, signal).catch((error: unknown) => fail(store, error, signal));
  if (!first) return;
  await read(first, store).catch(() => {});
  for (let tries = 0; !isOver(store.get()); tries += 1) {
    if (signal.aborted || !store.get().id || tries >= TRIES) return void fail(store, null, signal);
    await wait(500 * 2 ** tries, signal);
    if (await takeUp(api, store, signal)) tries = -1;
  }
}

/** Reads on after the last event seen. Whether anything new came; an end without a last word is a failure. */
async function takeUp(api: FlowApi, store: Store<Trial>, signal: AbortSignal): Promise<boolean> {
  const { id, last } = store.get();
  const rest = await api.resumeTrial(id, last, signal).catch(() => null);
  if (rest?.status === 204) fail(store, null, signal);
  return rest !== null && rest.status !== 204 && read(rest, store).catch(() => false);
}

/** Whether anything new came. */
async function read(response: Response, store: Store<Trial>): Promise<boolean> {
  const before = store.get().last;
  if (!response.body) return false;
  for await (const message of readMessages(response.body)) {
    if (!message) continue;
    const next = told(store.get(), { name: message.event, data: JSON.parse(message.data) as never } as TrialEvent);
    store.set(message.id ? { ...next, last: message.id } : next);
  }
  return store.get().last !== before;
}

function fail(store: Store<Trial>, error: unknown, signal: AbortSignal): null {
  if (signal.aborted) {
    store.set({ ...store.get(), phase: "cancelled" });
    return null;
  }
  const said = asApiError(error);
  const failure = { code: said.code, reason: said.reason, message: said.message, retryable: said.retryable, ...(said.requestId ? { requestId: said.requestId } : {}) };
  const fields = said.fields.map((one) => `${one.pointer}: ${one.message}`).join("; ");
  store.set({ ...store.get(), phase: isAbsent(error) ? "absent" : "failed", failure: { ...failure, ...(fields ? { hint: fields } : {}) } });
  return null;
}
