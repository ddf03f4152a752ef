"""Connections that are kept for the next request, and the request itself."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from functools import cache

from aiohappyeyeballs import start_connection

from apps.core.http import CONNECTIONS, check_literal
from apps.core.http_wire.address import Address, address_of
from apps.core.http_wire.answer import Answer
from apps.core.http_wire.connection import Connection
from apps.core.http_wire.errors import AnswerCut, ServerUnreachable
from apps.core.http_wire.naming import Names
from apps.core.per_loop import PerLoop

CONNECT_SECONDS = 2.0  # for the socket, and again for TLS
KEPT_SECONDS = 15.0  # that a connection waits for another request; servers often close after 20 to 75
SECOND_FAMILY_SECONDS = 0.25  # after which the next address is tried beside the first (RFC 8305)

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_UNFIT = re.compile(r"[\r\n\0]")

Server = tuple[str, int, bool]


class Pool:
    """The connections of one loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._names = Names(self._loop)
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._busy: set[Connection] = set()
        self._free: dict[Server, dict[Connection, None]] = {}  # the one used last is taken first
        self._sweeper: asyncio.TimerHandle | None = None

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, seconds: float
    ) -> Answer:
        """The answer as soon as its status and headers are there; it has to be whole in `seconds`, 0 for ever.

        Raises `AddressRefused` for an address inside our own network, `aiohttp.InvalidURL` for none at all,
        `ValueError` for a header that cannot be sent, `TimeoutError` and the errors of `http_wire.errors`.
        """
        address = address_of(method, url)
        check_literal(address.host)
        head = _head(address, headers, body)
        began = self._loop.time()
        connection = await self._connection(address, seconds)
        try:
            answer = connection.ask(head, body or b"")
        except AnswerCut:
            self.forget(connection)
            raise
        if seconds:
            answer.within(self._loop, max(0.0, began + seconds - self._loop.time()))
        try:
            await answer.head()
        except BaseException:
            answer.close()
            raise
        return answer

    def give_back(self, connection: Connection) -> None:
        """Keep it for the next request to its server."""
        self._leave(connection)
        connection.free_since = self._loop.time()
        self._free.setdefault(connection.server, {})[connection] = None
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(KEPT_SECONDS, self._sweep)

    def forget(self, connection: Connection) -> None:
        """It is gone; saying so twice does no harm."""
        self._leave(connection)
        if free := self._free.get(connection.server):
            free.pop(connection, None)

    def _leave(self, connection: Connection) -> None:
        if connection in self._busy:
            self._busy.remove(connection)
            self._room.release()

    async def _connection(self, address: Address, seconds: float) -> Connection:
        """One that rested, or a new one; it counts as busy."""
        connection = None if self._room.locked() else self._rested(address.server)
        if connection is not None:
            await self._room.acquire()  # there is room, so this does not wait
        else:
            async with asyncio.timeout(seconds or None):
                await self._room.acquire()
                try:
                    connection = self._rested(address.server) or await self._connected(address)
                except BaseException:
                    self._room.release()
                    raise
        self._busy.add(connection)
        return connection

    def _rested(self, server: Server) -> Connection | None:
        free = self._free.get(server)
        while free:
            connection, _ = free.popitem()
            if connection.is_open and self._loop.time() - connection.free_since < KEPT_SECONDS:
                return connection
            connection.drop()
        return None

    async def _connected(self, address: Address) -> Connection:
        found = await self._names.addresses(address.host, address.port)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                sock = await start_connection(found, happy_eyeballs_delay=SECOND_FAMILY_SECONDS, interleave=1)
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self, address.server),
                    sock=sock,
                    ssl=_tls() if address.tls else None,
                    server_hostname=address.host if address.tls else None,
                )
        except TimeoutError:
            raise
        except OSError as exc:
            raise ServerUnreachable(str(exc)) from exc
        return connection

    def _sweep(self) -> None:
        """Close what nobody wanted for a while."""
        self._sweeper = None
        oldest = self._loop.time() - KEPT_SECONDS
        for connection in [c for free in self._free.values() for c in free if c.free_since <= oldest]:
            connection.drop()
        self._free = {server: free for server, free in self._free.items() if free}
        if self._free:
            self._sweeper = self._loop.call_later(KEPT_SECONDS, self._sweep)


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _head(address: Address, headers: Mapping[str, str], body: bytes | None) -> bytes:
    lines = [] if body is None else [f"Content-Length: {len(body)}\r\n"]
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or _UNFIT.search(value):
            raise ValueError("a header that cannot be sent")
        lines.append(f"{name}: {value}\r\n")
    return b"%b%b\r\n" % (address.head, "".join(lines).encode())


_pool = PerLoop(Pool)


async def post(url: str, headers: Mapping[str, str], body: bytes, *, seconds: float) -> Answer:
    """The answer to `body`, as `Pool.ask` of the running loop tells it. A request is never sent twice."""
    return await _pool().ask("POST", url, headers, body, seconds=seconds)


async def get(url: str, headers: Mapping[str, str], *, seconds: float) -> Answer:
    """What is at `url`, as `Pool.ask` of the running loop tells it. Redirects are not followed."""
    return await _pool().ask("GET", url, headers, None, seconds=seconds)
