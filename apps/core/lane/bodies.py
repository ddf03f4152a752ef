"""Bodies that many readers share: built once, compressed once, the longest unread dropped."""

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from apps.core.aio import in_thread

SMALLEST_PACKED = 1024  # bytes; below this the header of the encoding costs more than it saves
LEVEL = 6


class Passing(bytes):
    """Bytes that do for the moment: whoever waits gets them, and they are not kept."""


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of an answer; `packed` are the same for whoever takes gzip, or None when they are few."""

    plain: bytes
    packed: bytes | None

    @property
    def is_passing(self) -> bool:
        """Whether the next caller has to have it built again."""
        return isinstance(self.plain, Passing)


def packed(plain: bytes) -> Body:
    """`plain` with its compressed twin. Deterministic: the same bytes at any time in any process."""
    return Body(plain, gzip.compress(plain, LEVEL, mtime=0) if len(plain) > SMALLEST_PACKED else None)


class Bodies:
    """At most `size` bodies by address.

    Concurrency: of many callers of one event loop that miss the same address, one builds, in a thread; the others
    wait for it. A build that fails is not remembered.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._kept: OrderedDict[Hashable, Body] = OrderedDict()
        self._building: dict[tuple[Hashable, asyncio.AbstractEventLoop], asyncio.Task[Body]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    async def get(self, address: Hashable, build: Callable[[], bytes]) -> Body:
        """The body at `address`; `build` is called when it is not there."""
        if found := self._kept.get(address):
            self._kept.move_to_end(address)
            return found
        place = (address, asyncio.get_running_loop())
        task = self._building.get(place)
        if task is None:
            task = self._building[place] = asyncio.create_task(self._build(address, build))
            task.add_done_callback(lambda _task: self._building.pop(place, None))
        return await asyncio.shield(task)  # a caller who goes away takes the body from nobody

    async def _build(self, address: Hashable, build: Callable[[], bytes]) -> Body:
        body = await in_thread(lambda: packed(build()))()
        if not body.is_passing:
            self._kept[address] = body
        while len(self._kept) > self.size:
            self._kept.popitem(last=False)
        return body

    def clear(self) -> None:
        """Forget every body."""
        self._kept.clear()
