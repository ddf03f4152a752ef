"""A model server in a thread that answers `GET /v1/models`, for tests that are not asynchronous."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class ListServer:
    """What it answers, and what it was asked with."""

    models: list[str] = field(default_factory=lambda: ["gpt-test", "text-embedding-test"])
    status: int = 200
    body: bytes | None = None
    delay: float = 0.0
    keys: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, authorization: str) -> tuple[int, bytes]:
        self.keys.append(authorization)
        time.sleep(self.delay)
        listed: dict[str, Any] = {"object": "list", "data": [{"id": name} for name in self.models]}
        return self.status, json.dumps(listed).encode() if self.body is None else self.body

    @contextmanager
    def running(self) -> Iterator["ListServer"]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.path == "/v1/models"
                status, body = outer.answer(self.headers.get("Authorization", "")) if known else (404, b"<html>")
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(BrokenPipeError):  # whoever asked may have gone
                    self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}/v1"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
