"""Tool servers of these tests stand on this machine, which has to be allowed."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.mcp.builders import close_sessions
from tests.mcp.raw_server import Script, http_server


@pytest.fixture
def local(settings: Any, tmp_path: Any) -> Iterator[None]:
    """Servers of this machine may be reached, and the scripted one started."""
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    settings.WORK_DIR = tmp_path
    settings.MCP_STDIO_CATALOGUE = {"scripted": {"module": "tests.mcp.scripted_server", "work_dir": True}}
    yield
    close_sessions()


@pytest.fixture
def script(local: None, db: None) -> Iterator[Script]:
    """A server whose every word the test decides; `script.port` is where it listens."""
    found = Script()
    with http_server(found) as port:
        found.port = port
        yield found
        close_sessions()
