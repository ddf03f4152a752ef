"""A websocket with the subprotocol "mcp": one message in each frame. The SDK has no such transport."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from apps.core.http import CONNECT_SECONDS
from apps.mcp.failures import MAX_ANSWER, Watch
from apps.mcp.target import Target
from apps.mcp.transports.guard import addresses
from apps.mcp.transports.messages import streams

OPEN_SECONDS = 10.0
CLOSE_SECONDS = 1.0  # nobody waits for the goodbye of a server that hangs
# Why we closed: larger than asked for; no websocket, no text, no UTF-8.
TOO_BIG, RUBBISH = 1009, frozenset({1002, 1003, 1007})


@asynccontextmanager
async def connect(target: Target, watch: Watch) -> AsyncIterator[Any]:
    """Over a socket that is connected to a checked address, so that no redirect can lead elsewhere."""
    try:
        opening = await open_websocket(
            target.url,
            sock=await _socket(target.url),
            subprotocols=[Subprotocol("mcp")],
            additional_headers=watch.credential.headers(),
            user_agent_header="Paiban",
            compression=None,
            proxy=None,
            max_size=MAX_ANSWER,
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
        )
    except InvalidStatus as exc:
        watch.refused(exc.response.status_code, (exc.response.body or b"")[:300].decode(errors="replace"))
        raise
    except (InvalidHandshake, ValueError) as exc:
        watch.invalid(str(exc))
        raise
    async with opening as socket_, streams(_frames(socket_, watch), _sender(socket_), watch) as pair:
        yield pair


async def _socket(url: str) -> socket.socket:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    failure: OSError = OSError(f"{parts.hostname} has no address")
    for address in await addresses(cast(str, parts.hostname), port):
        try:
            return await _connected(address, port)
        except OSError as exc:
            failure = exc
    raise failure


async def _connected(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    plain = socket.socket(family, socket.SOCK_STREAM)
    plain.setblocking(False)
    try:
        loop = asyncio.get_running_loop()
        await asyncio.wait_for(loop.sock_connect(plain, (address, port)), CONNECT_SECONDS)
    except BaseException:
        plain.close()
        raise
    return plain


async def _frames(connection: ClientConnection, watch: Watch) -> AsyncIterator[bytes]:
    try:
        async for frame in connection:
            yield frame.encode() if isinstance(frame, str) else frame
    except ConnectionClosed as exc:
        code = exc.sent.code if exc.sent else None
        if code == TOO_BIG:
            watch.too_large()
        elif code in RUBBISH:
            watch.invalid(str(exc))


def _sender(connection: ClientConnection) -> Any:
    async def send(message: bytes) -> None:
        try:
            await connection.send(message, text=True)
        except ConnectionClosed as exc:
            raise OSError("closed") from exc

    return send
