import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { bells, state, type DemoEvent, type Stored } from "./state.ts";

export function send(res: ServerResponse, status: number, body?: unknown): void {
  res.statusCode = status;
  if (body === undefined) return void res.end();
  res.setHeader("Content-Type", "application/json");
  res.end(JSON.stringify(body));
}

export function refuse(res: ServerResponse, status: number, more: object = {}): void {
  send(res, status, {
    code: `MOCK_${status}`, reason: "E_MOCK", message: `Refused with ${status}.`, requestId: randomUUID(), retryable: status >= 500, ...more,
  });
}

async function bytesOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export async function readBody<T>(req: IncomingMessage): Promise<T> {
  return JSON.parse((await bytesOf(req)).toString() || "{}") as T;
}

/** The one file of a multipart body. Good enough for a browser's own requests. */
export async function readUpload(req: IncomingMessage): Promise<Stored> {
  const form = await new Response(new Uint8Array(await bytesOf(req)), { headers: { "Content-Type": req.headers["content-type"] ?? "" } }).formData();
  const file = form.get("file") as File;
  const bytes = Buffer.from(await file.arrayBuffer());
  const isPng = bytes.subarray(1, 4).toString() === "PNG";
  return {
    bytes, mime: file.type, size: bytes.length, name: file.name,
    width: isPng ? bytes.readUInt32BE(16) : null, height: isPng ? bytes.readUInt32BE(20) : null,
  };
}

function openStream(res: ServerResponse): void {
  res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
}

export function streamEvents(req: IncomingMessage, res: ServerResponse): void {
  openStream(res);
  const say = () => res.write(`event: revision\ndata: ${JSON.stringify({ revision: state.revision })}\n\n`);
  say();
  bells.on("revision", say);
  req.on("close", () => bells.off("revision", say));
}

export function streamTask(req: IncomingMessage, res: ServerResponse, id: string): void {
  const task = state.tasks.get(id);
  if (!task) return refuse(res, 404);
  const after = Number(req.headers["last-event-id"] ?? 0);
  if (["succeeded", "failed", "cancelled"].includes(task.status) && after >= task.events.length) return send(res, 204);
  openStream(res);
  const write = (event: DemoEvent) => res.write(`id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  const onEvent = (event: DemoEvent) => event.task === id && write(event);
  task.events.filter((event) => event.seq > after).forEach(write);
  bells.on("event", onEvent);
  req.on("close", () => bells.off("event", onEvent));
}
