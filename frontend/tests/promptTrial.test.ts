import { describe, expect, test, vi } from "vitest";
import { ApiError } from "../src/api/errors";
import { adviceFor } from "../src/admin/prompt/advice";
import { TokenKeeper } from "../src/admin/prompt/token";
import { runTrial, type Trial } from "../src/admin/prompt/trial";

const frame = (event: string, data: object) => `id: 1\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
const START = frame("start", { requestId: "r", model: "m", endpoint: "e" });
const DONE = frame("done", {
  finish_reason: "stop", model_used: "m2", endpoint: "e2", attempts: [{ endpoint: "e", model: "m", error: "429" }], degraded: true, mock: false,
});

/** A stream that hands out `pieces`, and then ends, or goes on saying nothing. */
function streamOf(pieces: string[], { open = false } = {}): Response {
  const encoder = new TextEncoder();
  return new Response(new ReadableStream({
    start: (controller) => {
      for (const piece of pieces) controller.enqueue(encoder.encode(piece));
      if (!open) controller.close();
    },
  }));
}

async function run(open: (signal: AbortSignal) => Promise<Response>, controller = new AbortController()) {
  const seen: Trial[] = [];
  let clock = 0;
  const last = await runTrial({ open, signal: controller.signal, now: () => (clock += 10), onChange: (trial) => seen.push(trial) });
  return { last, seen };
}

describe("a trial", () => {
  test("puts the words together and keeps figures and attempts", async () => {
    const usage = { input_tokens: 3, output_tokens: 2, cached_tokens: 0, estimated: false, cost: 5 };

    const { last, seen } = await run(async () => streamOf([START, ": heartbeat\n\n", frame("delta", { text: "Hel" }), frame("delta", { text: "lo" }), frame("usage", usage), DONE]));

    expect(last).toMatchObject({ phase: "done", text: "Hello", model: "m2", endpoint: "e2", finish: "stop", degraded: true, usage });
    expect(last.attempts).toEqual([{ endpoint: "e", model: "m", error: "429" }]);
    expect([last.firstMs, last.totalMs]).toEqual([20, 50]);
    expect(seen.map((trial) => trial.phase)).toEqual(["waiting", "waiting", "streaming", "streaming", "streaming", "done"]);
  });

  test("is the same however the bytes were cut", async () => {
    const whole = [START, frame("delta", { text: "产品🌙" }), DONE].join("").replaceAll("\n", "\r\n");
    const bytes = new TextEncoder().encode(whole);
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });

    const { last } = await run(async () => new Response(body));

    expect([last.phase, last.text]).toEqual(["done", "产品🌙"]);
  });

  test("joins the pieces of a tool's arguments", async () => {
    const calls = [{ index: 0, id: "1", name: "search", arguments: '{"q":' }, { index: 0, arguments: '"a"}' }, { index: 1, id: "2", name: "open", arguments: "{}" }];

    const { last } = await run(async () => streamOf([START, ...calls.map((call) => frame("tool_call", call)), DONE]));

    expect(last.tools).toEqual([{ index: 0, name: "search", arguments: '{"q":"a"}' }, { index: 1, name: "open", arguments: "{}" }]);
  });

  test("keeps what came before an error frame, and says what to do", async () => {
    const error = { code: "PROVIDERS_5001", reason: "E_UPSTREAM_FAILED", message: "It broke.", requestId: "r9", retryable: true };

    const { last } = await run(async () => streamOf([START, frame("delta", { text: "Half" }), frame("error", error)]));

    expect([last.phase, last.text, last.error?.message, last.error?.requestId]).toEqual(["failed", "Half", "It broke.", "r9"]);
    expect(last.error && adviceFor(last.error)).toBe("failed.retry");
  });

  test("that ends without a last frame has failed", async () => {
    const { last } = await run(async () => streamOf([START, frame("delta", { text: "Half" })]));

    expect([last.phase, last.text]).toEqual(["failed", "Half"]);
    expect(last.error && adviceFor(last.error)).toBe("failed.cut");
  });

  test("that is stopped keeps its words and is no failure", async () => {
    const controller = new AbortController();
    const opened = streamOf([START, frame("delta", { text: "Half" })], { open: true });
    const open = async (signal: AbortSignal) => {
      const body = opened.body?.pipeThrough(new TransformStream(), { signal });
      return new Response(body);
    };
    setTimeout(() => controller.abort(), 20);

    const { last } = await run(open, controller);

    expect([last.phase, last.text, last.error]).toEqual(["stopped", "Half", null]);
  });

  test("that is refused shows the refusal", async () => {
    const refusal = new ApiError({ reason: "E_NO_ROUTE", message: "No model." }, { status: 422, requestId: null, retryAfter: null });

    const { last } = await run(() => Promise.reject(refusal));

    expect([last.phase, last.error]).toEqual(["failed", refusal]);
    expect(adviceFor(refusal)).toBe("failed.route");
  });

  test("with half a frame of JSON fails and does not raise", async () => {
    const { last } = await run(async () => streamOf([START, 'event: delta\ndata: {"text": "a\n\n']));

    expect([last.phase, last.error?.reason]).toEqual(["failed", "E_STREAM_CUT"]);
  });
});

describe("the token", () => {
  test("is asked for once by all who need it, and again before it lapses", async () => {
    let now = 0;
    const ask = vi.fn(async () => ({ access: `t${ask.mock.calls.length}`, expiresIn: 60 }));
    const keeper = new TokenKeeper(ask, () => now);

    expect(await Promise.all([keeper.get(), keeper.get()])).toEqual(["t1", "t1"]);
    now = 29_000;
    expect(await keeper.get()).toBe("t1");
    now = 31_000;
    expect(await keeper.get()).toBe("t2");
    keeper.drop("t1");
    expect(await keeper.get()).toBe("t2");
    keeper.drop("t2");
    expect(await keeper.get()).toBe("t3");
  });

  test("that could not be had is asked for again", async () => {
    const ask = vi.fn().mockRejectedValueOnce(new Error("down")).mockResolvedValue({ access: "t", expiresIn: 60 });
    const keeper = new TokenKeeper(ask);

    await expect(keeper.get()).rejects.toThrow("down");
    expect(await keeper.get()).toBe("t");
  });
});
