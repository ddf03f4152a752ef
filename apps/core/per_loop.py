"""Things that belong to an event loop: one each, made on first use, let go with the loop."""

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary, ref

T = TypeVar("T")


class PerLoop(Generic[T]):
    """Calls `make` once in each loop that asks."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()
        self._latest: tuple[Callable[[], Any], T] | None = None  # a reference to the loop that asked last

    def __call__(self) -> T:
        """What belongs to the running loop."""
        loop = asyncio.get_running_loop()
        latest = self._latest  # a server has one loop, and asks all the time
        if latest is not None and latest[0]() is loop:
            return latest[1]
        found = self._made.get(loop)
        if found is None:
            # What is made often refers to its loop, and would keep it, and itself, for ever.
            for ended in [known for known in self._made if known.is_closed()]:
                del self._made[ended]
            found = self._made[loop] = self._make()
        self._latest = (ref(loop), found)
        return found
