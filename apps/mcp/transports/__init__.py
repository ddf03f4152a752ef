"""How a server is spoken to: one file for each kind, chosen by the name that the row carries."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from apps.mcp.failures import Watch
from apps.mcp.target import Target
from apps.mcp.transports import http, stdio, ws

Streams = AbstractAsyncContextManager[Any]

TRANSPORTS: dict[str, Callable[[Target, Watch], Streams]] = {
    "stdio": stdio.connect,
    "http": http.connect,
    "sse": http.connect_sse,
    "ws": ws.connect,
}


def connect(target: Target, watch: Watch) -> Streams:
    """A connection for the SDK's client, opened when it is entered. What goes wrong is reported to `watch`."""
    return TRANSPORTS[target.transport](target, watch)
