"""A schema is self-contained: none makes the server fetch an address or open a file."""

import http.server
import threading

import pytest

from apps.core.json_schema import invalid_because


def test_compile__reference_to_an_address__is_refused_without_a_request() -> None:
    asked: list[str] = []

    class Listening(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    server = http.server.HTTPServer(("127.0.0.1", 0), Listening)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    reason = invalid_because({"$ref": f"http://127.0.0.1:{server.server_port}/schema"})

    server.shutdown()
    server.server_close()
    assert "not followed" in reason
    assert asked == []


@pytest.mark.parametrize("address", ["file:///etc/hostname", "https://example.com/a.json"])
def test_compile__reference_elsewhere__is_refused(address: str) -> None:
    assert "not followed" in invalid_because({"$ref": address})


def test_compile__reference_within__is_followed() -> None:
    assert invalid_because({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}) == ""
