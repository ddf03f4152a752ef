"""Names of servers and their checked addresses, asked for once by however many wait."""

import asyncio
import socket
from functools import partial

from aiohappyeyeballs import AddrInfoType

from apps.core.http import GuardedResolver
from apps.core.http_wire.errors import NameUnknown

KEPT_SECONDS = 30.0  # that an answer is used again


class Names:
    """What one loop knows of names."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._resolver = GuardedResolver()
        self._known: dict[tuple[str, int], tuple[float, list[AddrInfoType]]] = {}
        self._asking: dict[tuple[str, int], asyncio.Task[list[AddrInfoType]]] = {}

    async def addresses(self, host: str, port: int) -> list[AddrInfoType]:
        """Every one of them checked. Raises `AddressRefused`, `NameUnknown`."""
        key = host, port
        until, found = self._known.get(key, (0.0, []))
        if self._loop.time() < until:
            return found
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = self._loop.create_task(self._ask(host, port))
            task.add_done_callback(partial(self._answered, key))
        return await asyncio.shield(task)

    def _answered(self, key: tuple[str, int], task: "asyncio.Task[list[AddrInfoType]]") -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            task.exception()  # whoever waited may have given up, and nobody else would look at it

    async def _ask(self, host: str, port: int) -> list[AddrInfoType]:
        try:
            answers = await self._resolver.resolve(host, port)
        except OSError as exc:
            raise NameUnknown(host) from exc
        found = [_info(answer["host"], answer["port"]) for answer in answers]
        self._known = {key: kept for key, kept in self._known.items() if kept[0] > self._loop.time()}
        self._known[(host, port)] = (self._loop.time() + KEPT_SECONDS, found)
        return found


def _info(host: str, port: int) -> AddrInfoType:
    if ":" in host:
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port)
