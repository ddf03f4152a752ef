import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { backoff } from "../src/realtime/backoff";
import { RealtimeClient } from "../src/realtime";
import { readMessages } from "../src/realtime/sse";
import type { Snapshot, SocketLike, TaskEvent } from "../src/realtime";

class FakeSocket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  sent: unknown[] = [];
  closed = false;

  send(text: string) { this.sent.push(JSON.parse(text)); }
  close() { this.closed = true; }
  open() { this.onopen?.(); this.say({ type: "heartbeat" }); }
  say(frame: object) { this.onmessage?.({ data: JSON.stringify(frame) }); }
  event(seq: number, type = "log") { this.say({ seq, type, task: "t", at: "", data: {} }); }
  drop() { this.onclose?.(); }
}

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

function setUp(over: Partial<ConstructorParameters<typeof RealtimeClient>[0]> = {}) {
  const sockets: FakeSocket[] = [];
  const seen: (number | null)[] = [];
  const links: string[] = [];
  const snapshots: Snapshot[] = [];
  const readTask = vi.fn(async (): Promise<Snapshot> => ({ status: "running", last_seq: 0 }));
  const transports = {
    ticket: vi.fn(async () => "ticket"),
    openSocket: () => { const socket = new FakeSocket(); sockets.push(socket); return socket; },
    openStream: vi.fn(async (): Promise<Response> => { throw new Error("blocked"); }),
    readTask,
    random: () => 1,
    ...over,
  };
  const client = new RealtimeClient(transports);
  const watch = (after = 0) => client.watch("t", after, {
    onEvent: (event: TaskEvent) => seen.push(event.seq),
    onSnapshot: (snapshot) => snapshots.push(snapshot),
    onLink: (link) => links.push(link),
  });
  return { client, sockets, seen, links, snapshots, readTask, transports, watch };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("subscribes after the last number seen when the socket opens", async () => {
  const { sockets, watch } = setUp();
  watch(7);
  await tick();
  sockets[0]!.open();
  expect(sockets[0]!.sent).toEqual([{ subscribe: "t", after: 7 }]);
});

test("drops repeats and asks again at a gap", async () => {
  const { sockets, seen, watch } = setUp();
  watch();
  await tick();
  const socket = sockets[0]!;
  socket.open();
  for (const seq of [1, 2, 2, 1, 3, 5]) socket.event(seq);
  expect(seen).toEqual([1, 2, 3]);
  expect(socket.sent.at(-1)).toEqual({ subscribe: "t", after: 3 });
  for (const seq of [4, 5]) socket.event(seq);
  expect(seen).toEqual([1, 2, 3, 4, 5]);
});

test("reads the task when the same gap is met twice", async () => {
  const { sockets, seen, snapshots, readTask, watch } = setUp();
  readTask.mockResolvedValue({ status: "running", last_seq: 9 });
  watch(3);
  await tick();
  sockets[0]!.open();
  sockets[0]!.event(6);
  sockets[0]!.event(6);
  await tick();
  expect(seen).toEqual([6]);
  expect(snapshots).toEqual([{ status: "running", last_seq: 9 }]);
  sockets[0]!.event(10);
  expect(seen).toEqual([6, 10]);
});

test("comes back with a new ticket and resumes where it was", async () => {
  const { sockets, seen, links, transports, watch } = setUp();
  watch();
  await tick();
  sockets[0]!.open();
  sockets[0]!.event(1);
  sockets[0]!.drop();
  expect(links.at(-1)).toBe("reconnecting");
  await tick(500);
  sockets[1]!.open();
  expect(transports.ticket).toHaveBeenCalledTimes(2);
  expect(sockets[1]!.sent).toEqual([{ subscribe: "t", after: 1 }]);
  sockets[1]!.event(2);
  expect(seen).toEqual([1, 2]);
});

test("a silent line counts as dead", async () => {
  const { sockets, watch } = setUp();
  watch();
  await tick();
  sockets[0]!.open();
  await tick(25_000);
  expect(sockets[0]!.closed).toBe(true);
  await tick(500);
  expect(sockets).toHaveLength(2);
});

test("one terminal event ends the watch", async () => {
  const { sockets, seen, links, watch } = setUp();
  watch();
  await tick();
  sockets[0]!.open();
  sockets[0]!.event(1, "succeeded");
  sockets[0]!.event(2, "failed");
  expect(seen).toEqual([1]);
  expect(links.at(-1)).toBe("closed");
});

test("falls back to the stream after three failures, and leaves it when the socket works", async () => {
  const body = (text: string) => new Response(new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
  }));
  const openStream = vi.fn(async () => body('id: 1\nevent: log\ndata: {"seq":1,"type":"log","task":"t","at":"","data":{}}\n\n'));
  const { sockets, seen, links, watch } = setUp({ openStream });
  watch();
  for (const wait of [0, 500, 1000]) { await tick(wait); sockets.at(-1)!.drop(); }
  await tick();
  expect(openStream).toHaveBeenCalledWith("t", 0, expect.anything());
  expect(seen).toEqual([1]);
  expect(links.at(-1)).toBe("stream");
  await tick(2000);
  sockets.at(-1)!.open();
  expect(links.at(-1)).toBe("live");
  expect(sockets.at(-1)!.sent).toEqual([{ subscribe: "t", after: 1 }]);
});

test("polls when the stream fails too, until the task is over", async () => {
  const { sockets, links, snapshots, readTask, watch } = setUp();
  watch();
  for (const wait of [0, 500, 1000]) { await tick(wait); sockets.at(-1)!.drop(); }
  await tick(1500);
  expect(links).toContain("polling");
  readTask.mockResolvedValue({ status: "succeeded", last_seq: 9 });
  await tick(2000);
  const reads = readTask.mock.calls.length;
  await tick(20_000);
  expect(snapshots.at(-1)?.status).toBe("succeeded");
  expect(readTask.mock.calls.length).toBe(reads);
});

test("an unreadable frame harms nothing", async () => {
  const { sockets, seen, watch } = setUp();
  watch();
  await tick();
  sockets[0]!.open();
  sockets[0]!.onmessage?.({ data: "{" });
  sockets[0]!.event(1);
  expect(seen).toEqual([1]);
});

describe("backoff", () => {
  test("doubles, is capped, and spreads over half its length", () => {
    expect([1, 2, 3, 20].map((n) => backoff(n, () => 1))).toEqual([500, 1000, 2000, 30_000]);
    expect(backoff(3, () => 0)).toBe(1000);
  });
});

test("a stream is read across arbitrary cuts, with comments as signs of life", async () => {
  const text = ": beat\n\nid: 4\r\nevent: step\r\ndata: {\"a\":\ndata: 1}\r\n\r\n";
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of text.match(/[\s\S]{1,5}/g) ?? []) controller.enqueue(new TextEncoder().encode(part));
      controller.close();
    },
  });
  const messages = [];
  for await (const message of readMessages(body)) messages.push(message);
  expect(messages).toEqual([null, { id: "4", event: "step", data: '{"a":\n1}' }]);
});
