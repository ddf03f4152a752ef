"""One thread of a process writes the journals of all its runs, over a connection that it keeps.

A hop to a pooled thread that opens a connection costs more than the transaction itself.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from django.db import DatabaseError, InterfaceError, connection

from apps.core.events.bell import ring

T = TypeVar("T")

IDLE_SECONDS: Final = 10.0  # servers and proxies cut idle connections; after this long it is asked whether it lives

_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
_bells = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bells")
_used = 0.0


async def in_writer(work: Callable[[], T]) -> T:
    """What `work`, a whole transaction, returns. A connection that failed is not used again."""
    return await asyncio.get_running_loop().run_in_executor(_thread, _guarded, work)


def ring_later(*topics: str) -> None:
    """Ring when somebody has time for it: a bell that is late costs its hearer a moment, and the run nothing."""
    _bells.submit(ring, *topics)


def _guarded(work: Callable[[], T]) -> T:
    global _used  # noqa: PLW0603 - there is one thread
    if time.monotonic() - _used > IDLE_SECONDS and connection.connection is not None and not connection.is_usable():
        connection.close()
    try:
        return work()
    except (DatabaseError, InterfaceError):
        connection.close()
        raise
    finally:
        _used = time.monotonic()
