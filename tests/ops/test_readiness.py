"""Ready means that /readyz answered 200."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from ops.processes import free_port
from ops.readiness import Readiness


class Answers(BaseHTTPRequestHandler):
    status: ClassVar[int] = 503

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()
        self.wfile.write(b'{"redis": "down"}')

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def polled(readiness: Readiness, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if readiness.poll():
            return True
        time.sleep(0.01)
    return False


def test_poll__503_then_200__is_ready_only_then(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    readiness = Readiness("0.0.0.0", server.server_port)

    assert not polled(readiness, 0.2)
    assert readiness.last_answer == '{"redis": "down"}'
    monkeypatch.setattr(Answers, "status", 200)
    assert polled(readiness, 5)


def test_poll__nobody_listens__never_blocks() -> None:
    readiness, began = Readiness("127.0.0.1", free_port()), time.monotonic()

    assert not any(readiness.poll() for _ in range(10))
    assert time.monotonic() - began < 1
    assert "refused" in readiness.last_answer


def test_complaint__after_a_while__says_what_the_answer_was(monkeypatch: pytest.MonkeyPatch) -> None:
    readiness = Readiness("127.0.0.1", free_port())
    assert readiness.complaint() == ""
    monkeypatch.setattr("ops.readiness.REMIND_SECONDS", 0)

    assert readiness.complaint() == "Still not ready; /readyz says: no answer yet"
