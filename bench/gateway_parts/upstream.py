"""A model server that costs next to nothing: fixed answers in OpenAI's wire from one asyncio protocol.

Run: `python -m bench.gateway_parts.upstream PORT`.
"""

import asyncio
import json
import sys

CHUNKS = 64  # of a stream, without the one with the counts


def _chunk(**fields: object) -> bytes:
    head = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1, "model": "bench-chat"}
    return b"data: " + json.dumps({**head, **fields}).encode() + b"\n\n"


USAGE = {"prompt_tokens": 12, "completion_tokens": CHUNKS, "total_tokens": 12 + CHUNKS}
PIECES = [
    _chunk(choices=[{"index": 0, "delta": {"content": f"word{n} "}, "finish_reason": None}]) for n in range(CHUNKS - 1)
]
STREAM = b"".join(
    [
        *PIECES,
        _chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]),
        _chunk(choices=[], usage=USAGE),
        b"data: [DONE]\n\n",
    ]
)
PLAIN = json.dumps(
    {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1,
        "model": "bench-chat",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "word " * 60}, "finish_reason": "stop"},
        ],
        "usage": USAGE,
    }
).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(PLAIN), PLAIN)
STREAMED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x\r\n%s\r\n0\r\n\r\n" % (len(STREAM), STREAM)
)


class Upstream(asyncio.Protocol):
    """Answers each request once its body is whole."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            if not end:
                return
            length = _length(head)
            if len(rest) < length:
                return
            body, self.buffer = rest[:length], rest[length:]
            streams = b'"stream":true' in body or b'"stream": true' in body
            self.transport.write(STREAMED if streams else ANSWER)  # type: ignore[attr-defined]  # it is writable


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line[15:])
    return 0


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(int(sys.argv[1])))
