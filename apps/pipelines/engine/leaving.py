"""Steps that nothing needs any more: they are stopped, but never in the middle of a call that changes something."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Key = tuple[str, int]


class Leaving:
    """Knows the calls of a run that are under way and cannot be repeated, and the steps that are to stop."""

    def __init__(self) -> None:
        self._open: set[Key] = set()
        self._left: dict[str, asyncio.Task[Any]] = {}

    def leave(self, path: str, task: "asyncio.Task[Any]") -> None:
        """Cancel `task`, which runs the step `path`, as soon as no such call of it or below it is under way."""
        self._left[path] = task
        self._look()

    @contextmanager
    def call(self, path: str, no: int) -> Iterator[None]:
        """A call that is brought to its end once it is begun."""
        self._open.add((path, no))
        try:
            yield
        finally:
            self._open.discard((path, no))
            self._look()

    async def pass_by(self, path: str) -> None:
        """Return at once, unless the step or one above it is to stop: then what began before is all that happens."""
        if any(_covers(left, path) for left in self._left):
            await asyncio.get_running_loop().create_future()  # until it is cancelled

    def _look(self) -> None:
        for left, task in list(self._left.items()):
            if task.done():
                del self._left[left]
            elif not any(_covers(left, path) for path, _no in self._open):
                task.cancel()


def _covers(step: str, path: str) -> bool:
    return path == step or path.startswith((f"{step}/", f"{step}#"))
