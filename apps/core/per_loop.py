"""Things that belong to an event loop: one each, made on first use, let go with the loop."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


class PerLoop(Generic[T]):
    """Calls `make` once in each loop that asks."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()

    def __call__(self) -> T:
        """What belongs to the running loop."""
        loop = asyncio.get_running_loop()
        found = self._made.get(loop)
        if found is None:
            # What is made often refers to its loop, and would keep it, and itself, for ever.
            for ended in [known for known in self._made if known.is_closed()]:
                del self._made[ended]
            found = self._made[loop] = self._make()
        return found
