"""An OpenAI-compatible server on this machine: what a real provider is to the browser tests."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from ops.instance import RunningPaiban
from tests.e2e.drafts import signed_in

KEY, MODEL = "local-models", "local-chat"
AHEAD: Final = 1  # before the demo's built-in mock
PRICES: Final = {"input": 1_000_000, "output": 1_000_000, "call": 0}  # micro-credits
PATIENCE: Final = 60.0  # seconds that a held answer waits for the test


class ModelServer(ThreadingHTTPServer):
    """Answers every chat with `says`, word by word, and keeps what it was asked.

    Within `held()`, answers stop after half of their words, so that there is time to look at them.
    """

    daemon_threads = True

    def __init__(self, says: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.says = says
        self.asked: list[dict[str, Any]] = []
        self.free = threading.Event()
        self.free.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody hears the second half before the block ends."""
        self.free.clear()
        try:
            yield
        finally:
            self.free.set()


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if body.get("stream") else "application/json")
        self.end_headers()
        self._stream() if body.get("stream") else self._whole()

    def _stream(self) -> None:
        words = self.server.says.split(" ")
        for number, word in enumerate(words):
            self._chunk(choices=[{"index": 0, "delta": {"content": word if number == 0 else f" {word}"}}])
            if number == len(words) // 2:
                self.server.free.wait(PATIENCE)
        self._chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
        self._chunk(choices=[], usage=_usage(len(words)))
        self.wfile.write(b"data: [DONE]\n\n")

    def _whole(self) -> None:
        choice = {"index": 0, "message": {"role": "assistant", "content": self.server.says}, "finish_reason": "stop"}
        usage = _usage(len(self.server.says.split(" ")))
        self.wfile.write(json.dumps({**_head("chat.completion"), "choices": [choice], "usage": usage}).encode())

    def _chunk(self, **fields: object) -> None:
        self.wfile.write(b"data: " + json.dumps({**_head("chat.completion.chunk"), **fields}).encode() + b"\n\n")
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Nothing: the test tells what went wrong."""


def _head(kind: str) -> dict[str, object]:
    return {"id": "chatcmpl-local", "object": kind, "created": 1, "model": MODEL}


def _usage(words: int) -> dict[str, int]:
    return {"prompt_tokens": 8, "completion_tokens": words, "total_tokens": 8 + words}


@contextmanager
def local_models(paiban: RunningPaiban, says: str) -> Iterator[ModelServer]:
    """A server that is asked before the built-in mock, until the block ends."""
    server = ModelServer(says)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with signed_in(paiban) as client:
        offers = [{"model": MODEL, "capabilities": ["chat"], "prices": PRICES}]
        connection = {"handler": "openai", "base_url": server.url, "secret": "any-key-will-do-for-this-one"}
        new = {"key": KEY, "name": KEY, **connection, "priority": AHEAD, "offers": offers}
        client.post("/api/v1/admin/providers", json=new).raise_for_status()
        try:
            yield server
        finally:
            tag = client.get(f"/api/v1/admin/providers/{KEY}").headers["ETag"]
            client.delete(f"/api/v1/admin/providers/{KEY}", headers={"If-Match": tag})
            server.shutdown()
            server.server_close()
