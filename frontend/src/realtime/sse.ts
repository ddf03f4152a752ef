/** One message of a `text/event-stream` body. */
export interface SseMessage {
  id: string | null;
  event: string;
  data: string;
}

/** Reads a body message by message; comments (heartbeats) come out as null, to show a live line. */
export async function* readMessages(body: ReadableStream<Uint8Array>): AsyncGenerator<SseMessage | null> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      // Whether a CR at the very end is a whole line end, only the next byte tells.
      const held = rest.endsWith("\r") ? "\r" : "";
      const blocks = rest.slice(0, rest.length - held.length).replace(/\r\n?/g, "\n").split("\n\n");
      rest = (blocks.pop() ?? "") + held;
      for (const block of blocks) yield parseBlock(block);
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}

function parseBlock(block: string): SseMessage | null {
  const message: SseMessage = { id: null, event: "message", data: "" };
  const data: string[] = [];
  for (const line of block.split("\n")) readLine(line, message, data);
  message.data = data.join("\n");
  return message.data === "" ? null : message;
}

function readLine(line: string, message: SseMessage, data: string[]): void {
  const colon = line.indexOf(":");
  if (colon < 1) return;
  const field = line.slice(0, colon);
  const value = line.slice(colon + 1).replace(/^ /, "");
  if (field === "id") message.id = value;
  else if (field === "event") message.event = value;
  else if (field === "data") data.push(value);
}
