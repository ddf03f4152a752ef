"""News of the released configuration for open pages: its revision, whenever it grows."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from apps.core.config import reader
from apps.features.publishing import SCOPE

POLL_SECONDS = 2.0  # how often a listener looks by itself, should a notice be lost


async def revisions(known: int | None) -> AsyncGenerator[int | None]:
    """The revision of the released features, unless it is `known`, and each newer one; None while nothing happens.

    A burst of releases is told once, by its last revision. Closing the iterator ends the listening.
    """
    await reader.aall(SCOPE)
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def notice(_revision: int) -> None:
        with suppress(RuntimeError):  # the loop may have closed between the news and this call
            loop.call_soon_threadsafe(changed.set)

    stop = reader.listen(notice)
    try:
        while True:
            changed.clear()
            revision = reader.scope_revision(SCOPE)
            if revision != known:
                known = revision
                yield revision
            else:
                yield None
            with suppress(TimeoutError):  # `wait_for` may forget a cancellation before Python 3.12
                async with asyncio.timeout(POLL_SECONDS):
                    await changed.wait()
    finally:
        stop()
