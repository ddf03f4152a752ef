"""Tokens arrive faster than rows should be written: they are gathered for a moment and told together."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from apps.tasks.errors import LeaseLost

GATHER_SECONDS = 0.15  # seven updates a second read as flowing text

Writer = Callable[[str, str, int], Awaitable[None]]


class DeltaBatcher:
    """Gathers text per node and hands it to `write(node, text, offset)` in order."""

    def __init__(self, write: Writer) -> None:
        self._write = write
        self._texts: dict[str, list[str]] = {}
        self._offsets: dict[str, int] = {}
        self._lock = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None

    def add(self, node_id: str, text: str) -> None:
        """Take a piece of text; it is written within `GATHER_SECONDS`."""
        self._texts.setdefault(node_id, []).append(text)
        if self._timer is None or self._timer.done():
            self._timer = asyncio.create_task(self._flush_later())

    def restart(self, node_id: str) -> None:
        """The node begins again: its text counts from zero."""
        self._texts.pop(node_id, None)
        self._offsets.pop(node_id, None)

    async def flush(self) -> None:
        """Write what is waiting."""
        async with self._lock:
            for node_id in list(self._texts):
                text = "".join(self._texts.pop(node_id))
                offset = self._offsets.get(node_id, 0)
                self._offsets[node_id] = offset + len(text)
                await self._write(node_id, text, offset)

    async def _flush_later(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        # Whoever writes the next checkpoint learns of the lost lease; nobody awaits this task.
        with contextlib.suppress(LeaseLost):
            await self.flush()
