"""One asyncio loop per process for the work that threads hand over (engine, tool sessions, model calls)."""

import asyncio
import atexit
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")

SHUTDOWN_SECONDS = 5

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def background_loop() -> asyncio.AbstractEventLoop:
    """The process's loop, started on first use in a daemon thread."""
    global _loop  # noqa: PLW0603 - one per process is the point
    with _lock:
        if _loop is None or _loop.is_closed():
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="background-loop", daemon=True).start()
            atexit.register(_shut_down, _loop)
        return _loop


def _shut_down(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what still runs, so that tool processes and connections are closed, not cut."""

    async def cancel_all() -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=SHUTDOWN_SECONDS) if others else None

    with contextlib.suppress(TimeoutError, RuntimeError):
        asyncio.run_coroutine_threadsafe(cancel_all(), loop).result(SHUTDOWN_SECONDS + 1)
    loop.call_soon_threadsafe(loop.stop)


def run(coroutine: Coroutine[Any, Any, T], *, timeout: float | None = None) -> T:
    """Run `coroutine` in the background loop and wait for it; an interrupted wait cancels it."""
    future = asyncio.run_coroutine_threadsafe(coroutine, background_loop())
    try:
        return future.result(timeout)
    except BaseException:
        future.cancel()
        raise


def in_thread(function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """`function` (which may use the database or the disk) as a coroutine function over the loop's thread pool."""

    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return sync_to_async(guarded, thread_sensitive=False)
